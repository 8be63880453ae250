package com.gptdesk.chat.build;

import java.util.Map;
import java.util.Set;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/** The functions that people may call as an OpenAPI 3.1 document, with the rows they return. */
final class OpenApi {
  private static final JsonMapper JSON = new JsonMapper();

  /** What PostgreSQL does not know of a type of rows: a column that may be null. */
  private static final Set<String> NULLABLE =
      Set.of(
          "avatar_url",
          "client_id",
          "file_name",
          "file_size",
          "file_url",
          "first_unread_seq",
          "label",
          "last_message",
          "last_message_at",
          "last_used_at",
          "muted_until",
          "written_at");

  /** Arguments that mean something when they are null. */
  private static final Set<String> NULL_MEANS =
      Set.of("set_muted.until", "update_typing_status.typing_to");

  /** A moment, or {@code infinity}. */
  private static final Set<String> FOR_GOOD = Set.of("until", "muted_until");

  /** Words that are those of another column. */
  private static final Map<String, String> SAME_WORDS =
      Map.of(
          "message_view.message_type", "user_messages.message_type",
          "message_match.message_type", "user_messages.message_type",
          "send_message.message_type", "user_messages.message_type",
          "update_presence.status", "user_presence.status");

  /** JSON columns by what they hold, wherever they occur. */
  private static final JsonNode HELD =
      JSON.readTree(
          """
          {
            "read_by": {"type": "array", "items": {"type": "string", "format": "uuid"}},
            "metadata": {"type": "object", "additionalProperties": true},
            "sender": {"type": "object", "required": ["id", "full_name", "avatar_url"], "properties": {
              "id": {"type": "string", "format": "uuid"},
              "full_name": {"type": ["string", "null"]},
              "avatar_url": {"type": ["string", "null"]}}},
            "reactions": {"type": "array", "items": {"type": "object", "required": ["reaction", "user_ids"], "properties": {
              "reaction": {"type": "string"},
              "user_ids": {"type": "array", "items": {"type": "string", "format": "uuid"}}}}},
            "other_user": {"type": "object", "required": ["id", "full_name", "avatar_url", "status", "presence"], "properties": {
              "id": {"type": "string", "format": "uuid"},
              "full_name": {"type": ["string", "null"]},
              "avatar_url": {"type": ["string", "null"]},
              "status": {"type": ["string", "null"]},
              "presence": {"type": ["object", "null"], "required": ["status", "last_seen"], "properties": {
                "status": {"type": "string", "enum": ["online", "away", "busy", "offline"]},
                "last_seen": {"type": ["string", "null"], "format": "date-time"}}}}},
            "last_message": {"type": "object", "required": ["id", "seq", "sender_id", "content", "message_type", "created_at", "is_deleted"], "properties": {
              "id": {"type": "string", "format": "uuid"},
              "seq": {"type": "integer", "format": "int64"},
              "sender_id": {"type": "string", "format": "uuid"},
              "content": {"type": "string"},
              "message_type": {"type": "string", "enum": ["text", "file", "image"]},
              "created_at": {"type": "string", "format": "date-time"},
              "is_deleted": {"type": "boolean"}}}
          }
          """);

  private final JsonNode catalogue;
  private final ObjectNode document;

  OpenApi(JsonNode catalogue, String version) {
    this.catalogue = catalogue;
    this.document =
        (ObjectNode)
            JSON.readTree(
                """
                {
                  "openapi": "3.1.1",
                  "info": {
                    "title": "GPT Desk Chat",
                    "description": "Functions of the database, called as the person whose token comes with the request. Filters, order and pages as in docs/api.md.",
                    "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"}
                  },
                  "servers": [{"url": "/rest/v1"}],
                  "security": [{"token": []}],
                  "paths": {},
                  "components": {
                    "schemas": {
                      "Problem": {
                        "description": "Why a call was refused. details: the reason code of a function's refusal.",
                        "type": "object",
                        "required": ["code", "message"],
                        "properties": {
                          "code": {"type": "string"},
                          "message": {"type": "string"},
                          "details": {"type": ["string", "null"]},
                          "hint": {"type": ["string", "null"]}
                        }
                      }
                    },
                    "responses": {
                      "Problem": {
                        "description": "The call was refused, or failed.",
                        "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
                      }
                    },
                    "securitySchemes": {"token": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}}
                  }
                }
                """);
    ((ObjectNode) document.get("info")).put("version", version);
  }

  JsonNode document() {
    ObjectNode schemas = (ObjectNode) document.at("/components/schemas");
    for (JsonNode relation : catalogue.get("relations")) {
      schemas.set(relation.get("name").asString(), row(relation));
    }
    ObjectNode paths = (ObjectNode) document.get("paths");
    for (JsonNode function : catalogue.get("functions")) {
      paths.set("/rpc/" + function.get("name").asString(), path(function));
    }
    return document;
  }

  private ObjectNode row(JsonNode relation) {
    String name = relation.get("name").asString();
    boolean composite = relation.get("kind").asString().equals("composite");
    ObjectNode schema = JSON.createObjectNode().put("type", "object");
    describe(schema, relation);
    ArrayNode required = schema.putArray("required");
    ObjectNode properties = schema.putObject("properties");
    for (JsonNode column : relation.get("columns")) {
      String columnName = column.get("name").asString();
      boolean nullable =
          composite ? NULLABLE.contains(columnName) : column.get("nullable").asBoolean();
      ObjectNode of = value(name, column);
      properties.set(columnName, nullable ? nullable(of) : of);
      required.add(columnName);
    }
    return schema;
  }

  private ObjectNode path(JsonNode function) {
    ObjectNode path = JSON.createObjectNode();
    path.set("post", operation(function, false));
    if (!function.get("writes").asBoolean()) {
      path.set("get", operation(function, true));
    }
    return path;
  }

  private ObjectNode operation(JsonNode function, boolean byGet) {
    String name = function.get("name").asString();
    ObjectNode operation =
        JSON.createObjectNode().put("operationId", byGet ? "read_" + name : name);
    describe(operation, function);
    if (byGet) {
      ArrayNode parameters = operation.putArray("parameters");
      for (JsonNode argument : function.get("arguments")) {
        parameters
            .addObject()
            .put("name", argument.get("name").asString())
            .put("in", "query")
            .put("required", !argument.get("optional").asBoolean())
            .set("schema", value(name, argument));
      }
    } else {
      ObjectNode body = JSON.createObjectNode().put("type", "object");
      ArrayNode required = JSON.createArrayNode();
      ObjectNode properties = body.putObject("properties");
      for (JsonNode argument : function.get("arguments")) {
        String argumentName = argument.get("name").asString();
        boolean optional = argument.get("optional").asBoolean();
        ObjectNode of = value(name, argument);
        properties.set(
            argumentName,
            argument.path("nullable").asBoolean(false)
                    || NULL_MEANS.contains(name + "." + argumentName)
                ? nullable(of)
                : of);
        if (!optional) {
          required.add(argumentName);
        }
      }
      if (!required.isEmpty()) {
        body.set("required", required);
      }
      body.put("additionalProperties", false);
      operation
          .putObject("requestBody")
          .put("required", !required.isEmpty())
          .putObject("content")
          .putObject("application/json")
          .set("schema", body);
    }
    ObjectNode responses = operation.putObject("responses");
    switch (function.get("returns").asString()) {
      case "void" -> responses.putObject("204").put("description", "Done.");
      case "set" -> {
        ObjectNode rows = JSON.createObjectNode().put("type", "array");
        rows.set("items", result(function));
        answer(responses, rows);
      }
      default -> answer(responses, result(function));
    }
    responses.putObject("default").put("$ref", "#/components/responses/Problem");
    return operation;
  }

  private static void answer(ObjectNode responses, ObjectNode schema) {
    responses
        .putObject("200")
        .put("description", "The result.")
        .putObject("content")
        .putObject("application/json")
        .set("schema", schema);
  }

  private ObjectNode result(JsonNode function) {
    String type = function.get("type").asString();
    for (JsonNode relation : catalogue.get("relations")) {
      if (relation.get("name").asString().equals(type.replaceFirst("^public\\.", ""))) {
        return JSON.createObjectNode()
            .put("$ref", "#/components/schemas/" + relation.get("name").asString());
      }
    }
    return ofType(type);
  }

  /** The schema of a column or an argument of that relation or function. */
  private ObjectNode value(String of, JsonNode column) {
    String name = column.get("name").asString();
    String type = column.get("type").asString();
    ObjectNode schema =
        type.startsWith("json") && HELD.has(name)
            ? (ObjectNode) HELD.get(name).deepCopy()
            : ofType(type);
    if (FOR_GOOD.contains(name)) {
      schema.remove("format");
    }
    JsonNode words = words(of, column);
    if (words.isArray()) {
      schema.set("enum", words.deepCopy());
    }
    describe(schema, column);
    return schema;
  }

  private JsonNode words(String of, JsonNode column) {
    String same = SAME_WORDS.get(of + "." + column.get("name").asString());
    if (same == null) {
      return column.path("values");
    }
    String[] place = same.split("\\.", 2);
    for (JsonNode relation : catalogue.get("relations")) {
      for (JsonNode other : relation.get("columns")) {
        if (relation.get("name").asString().equals(place[0])
            && other.get("name").asString().equals(place[1])) {
          return other.path("values");
        }
      }
    }
    throw new IllegalStateException("There is no column " + same + " any more");
  }

  private ObjectNode ofType(String type) {
    ObjectNode schema = JSON.createObjectNode();
    if (type.endsWith("[]")) {
      schema.put("type", "array");
      schema.set("items", ofType(type.substring(0, type.length() - 2)));
      return schema;
    }
    switch (type) {
      case "uuid" -> schema.put("type", "string").put("format", "uuid");
      case "text", "character varying", "bytea" -> schema.put("type", "string");
      case "timestamp with time zone" -> schema.put("type", "string").put("format", "date-time");
      case "integer" -> schema.put("type", "integer").put("format", "int32");
      case "bigint" -> schema.put("type", "integer").put("format", "int64");
      case "boolean" -> schema.put("type", "boolean");
      case "json", "jsonb" -> {}
      default -> {
        for (JsonNode one : catalogue.path("enums")) {
          if (type.equals(one.get("name").asString())) {
            schema.put("type", "string");
            schema.set("enum", one.get("values"));
            return schema;
          }
        }
        throw new IllegalStateException("Say here what " + type + " is in JSON");
      }
    }
    return schema;
  }

  private static ObjectNode nullable(ObjectNode schema) {
    if (schema.path("type").isString()) {
      String type = schema.get("type").asString();
      schema.putArray("type").add(type).add("null");
      if (schema.has("enum")) {
        ((ArrayNode) schema.get("enum")).addNull();
      }
    }
    return schema;
  }

  private static void describe(ObjectNode described, JsonNode what) {
    if (what.path("comment").isString()) {
      described.put("description", what.get("comment").asString());
    }
  }
}
