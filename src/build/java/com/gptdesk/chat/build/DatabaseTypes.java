package com.gptdesk.chat.build;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import java.util.function.Predicate;
import java.util.stream.Collectors;
import tools.jackson.databind.JsonNode;

/**
 * The types of {@code createClient<Database>} in the form that Supabase's own generator gives them,
 * from the schemas of the {@link OpenApi} document.
 */
final class DatabaseTypes {
  private static final String NONE = "{ [_ in never]: never }";

  private final JsonNode catalogue;
  private final JsonNode document;
  private final StringBuilder text = new StringBuilder();

  DatabaseTypes(JsonNode catalogue, JsonNode document) {
    this.catalogue = catalogue;
    this.document = document;
  }

  String text() {
    text.append(
        """
        // Generated from the migrations: what supabase-js knows of the database by createClient<Database>.
        export type Json = string | number | boolean | null | { [key: string]: Json | undefined } | Json[];

        export type Database = {
          public: {
        """);
    section("Tables", relations("table"), relation -> table(relation, true));
    section("Views", relations("view"), relation -> table(relation, false));
    section("Functions", list(catalogue.get("functions")), this::function);
    section("Enums", list(catalogue.path("enums")), one -> union(one.get("values")));
    section(
        "CompositeTypes",
        relations("composite"),
        relation -> object(schemaOf(relation).get("properties"), column -> false));
    return text.append("  };\n};\n").toString();
  }

  private void section(String name, List<JsonNode> parts, Function<JsonNode, String> form) {
    text.append("    ").append(name).append(": ");
    if (parts.isEmpty()) {
      text.append(NONE).append(";\n");
      return;
    }
    text.append("{\n");
    for (JsonNode part : parts) {
      comment(part);
      text.append("      %s: %s;\n".formatted(part.get("name").asString(), form.apply(part)));
    }
    text.append("    };\n");
  }

  private void comment(JsonNode part) {
    if (part.path("comment").isString()) {
      text.append(
          "      /** %s */\n".formatted(part.get("comment").asString().replace("*/", "* /")));
    }
  }

  private String table(JsonNode relation, boolean isTable) {
    JsonNode properties = schemaOf(relation).get("properties");
    Map<String, JsonNode> columns =
        list(relation.get("columns")).stream()
            .collect(Collectors.toMap(one -> one.get("name").asString(), one -> one));
    String row = object(properties, column -> false);
    String keys =
        list(relation.path("keys")).stream().map(this::key).collect(Collectors.joining(", "));
    String written =
        isTable
            ? " Insert: %s; Update: %s;"
                .formatted(
                    written(properties, columns, "insertable", "optional"),
                    written(properties, columns, "updatable", "updatable"))
            : "";
    return "{ Row: %s;%s Relationships: [%s] }".formatted(row, written, keys);
  }

  /** The columns that may be written; nothing else is accepted. */
  private static String written(
      JsonNode properties, Map<String, JsonNode> columns, String right, String optional) {
    List<String> parts = new ArrayList<>();
    for (String name : properties.propertyNames()) {
      JsonNode column = columns.get(name);
      if (column.get(right).asBoolean()) {
        parts.add(
            "%s%s: %s"
                .formatted(
                    name, column.get(optional).asBoolean() ? "?" : "", type(properties.get(name))));
      }
    }
    return parts.isEmpty() ? NONE : "{ " + String.join("; ", parts) + " }";
  }

  private String key(JsonNode key) {
    return "{ foreignKeyName: '%s'; columns: %s; isOneToOne: false; referencedRelation: '%s'; referencedColumns: %s }"
        .formatted(
            key.get("name").asString(),
            tuple(key.get("columns")),
            key.get("table").asString(),
            tuple(key.get("referenced")));
  }

  private String function(JsonNode function) {
    JsonNode operation =
        document.get("paths").get("/rpc/" + function.get("name").asString()).get("post");
    JsonNode arguments = operation.at("/requestBody/content/application~1json/schema");
    List<String> required =
        list(arguments.path("required")).stream().map(JsonNode::asString).toList();
    JsonNode properties = arguments.get("properties");
    String given =
        properties.isEmpty()
            ? "Record<PropertyKey, never>"
            : object(properties, argument -> !required.contains(argument));
    JsonNode answer = operation.at("/responses/200/content/application~1json/schema");
    return "{ Args: %s; Returns: %s }"
        .formatted(given, answer.isMissingNode() ? "undefined" : type(answer));
  }

  private static String object(JsonNode properties, Predicate<String> isOptional) {
    List<String> parts = new ArrayList<>();
    for (String name : properties.propertyNames()) {
      parts.add(name + (isOptional.test(name) ? "?: " : ": ") + type(properties.get(name)));
    }
    return "{ " + String.join("; ", parts) + " }";
  }

  private static String type(JsonNode schema) {
    if (schema.has("$ref")) {
      String name = schema.get("$ref").asString().replaceFirst(".*/", "");
      return "Database['public']['CompositeTypes']['%s']".formatted(name);
    }
    if (schema.has("enum")) {
      return union(schema.get("enum"));
    }
    JsonNode type = schema.path("type");
    if (type.isArray()) {
      return list(type).stream()
          .map(one -> one.asString().equals("null") ? "null" : plain(one.asString(), schema))
          .collect(Collectors.joining(" | "));
    }
    return type.isMissingNode() ? "Json" : plain(type.asString(), schema);
  }

  private static String plain(String type, JsonNode schema) {
    return switch (type) {
      case "integer", "number" -> "number";
      case "array" -> "(" + type(schema.get("items")) + ")[]";
      case "object" ->
          schema.has("properties")
              ? object(schema.get("properties"), column -> false)
              : "{ [key: string]: Json | undefined }";
      default -> type;
    };
  }

  private static String union(JsonNode values) {
    return list(values).stream()
        .map(one -> one.isNull() ? "null" : "'" + one.asString() + "'")
        .collect(Collectors.joining(" | "));
  }

  private static String tuple(JsonNode names) {
    return list(names).stream()
        .map(one -> "'" + one.asString() + "'")
        .collect(Collectors.joining(", ", "[", "]"));
  }

  private JsonNode schemaOf(JsonNode relation) {
    return document.at("/components/schemas/" + relation.get("name").asString());
  }

  private List<JsonNode> relations(String kind) {
    return list(catalogue.get("relations")).stream()
        .filter(relation -> relation.get("kind").asString().equals(kind))
        .toList();
  }

  private static List<JsonNode> list(JsonNode array) {
    List<JsonNode> parts = new ArrayList<>();
    array.forEach(parts::add);
    return parts;
  }
}
