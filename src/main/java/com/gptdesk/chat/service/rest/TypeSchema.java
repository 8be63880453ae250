package com.gptdesk.chat.service.rest;

import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/** PostgreSQL's types as JSON Schema, as far as a tool needs them. */
public final class TypeSchema {
  private static final JsonMapper JSON = JsonMapper.shared();

  private TypeSchema() {}

  /** Of a type by PostgreSQL's name; what is not known may be anything, shown as a text. */
  public static ObjectNode of(String typeName) {
    ObjectNode schema = JSON.createObjectNode();
    if (typeName.endsWith("[]")) {
      schema.put("type", "array");
      schema.set("items", of(typeName.substring(0, typeName.length() - 2)));
      return schema;
    }
    switch (typeName.replaceFirst("\\(.*\\)", "")) {
      case "uuid" -> schema.put("type", "string").put("format", "uuid");
      case "date" -> schema.put("type", "string").put("format", "date");
      case "timestamp with time zone" -> schema.put("type", "string").put("format", "date-time");
      case "smallint", "integer" -> schema.put("type", "integer").put("format", "int32");
      case "bigint" -> schema.put("type", "integer").put("format", "int64");
      case "numeric", "real", "double precision" -> schema.put("type", "number");
      case "boolean" -> schema.put("type", "boolean");
      case "json", "jsonb" -> {}
      case "text", "character varying", "character", "bytea" -> schema.put("type", "string");
      default -> schema.put("description", typeName);
    }
    return schema;
  }

  /** The same, where it may be null as well. */
  static ObjectNode nullable(String typeName) {
    ObjectNode schema = of(typeName);
    if (schema.path("type").isString()) {
      String type = schema.get("type").asString();
      schema.putArray("type").add(type).add("null");
    }
    return schema;
  }
}
