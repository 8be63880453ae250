package com.gptdesk.chat.service.rest;

import java.util.List;
import java.util.Set;
import java.util.function.Predicate;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/** A served table in OpenAPI, as one role may read and write it. */
final class TableDescription {
  private static final JsonMapper JSON = JsonMapper.shared();

  private final ServedTable table;
  private final String role;
  private final String schemaName;

  /**
   * @param schemaName of its rows in the document
   */
  TableDescription(ServedTable table, String role, String schemaName) {
    this.table = table;
    this.role = role;
    this.schemaName = schemaName;
  }

  /** The rows, with the columns that the role may read. */
  ObjectNode rows() {
    ObjectNode schema = JSON.createObjectNode().put("type", "object");
    String comment = table.comment();
    if (comment != null) {
      schema.put("description", comment);
    }
    ObjectNode properties = schema.putObject("properties");
    for (ServedTable.Column column : table.readableBy(role)) {
      properties.set(column.name(), described(column));
    }
    return schema;
  }

  /** What the role may do with it; empty for nothing. */
  ObjectNode path() {
    ObjectNode path = JSON.createObjectNode();
    List<ServedTable.Column> readable = table.readableBy(role);
    if (!readable.isEmpty()) {
      ObjectNode read = operation(path, "get", "Reads rows.");
      ArrayNode parameters = read.putArray("parameters");
      for (String word : List.of("select", "order", "limit", "offset")) {
        parameter(parameters, word);
      }
      readable.forEach(column -> parameter(parameters, column.name()));
      answer(read, "200");
    }
    write(path, "post", "Inserts rows.", "201", column -> writing(column).insertableBy());
    if (!readable.isEmpty()) {
      write(path, "patch", "Updates rows.", "200", column -> writing(column).updatableBy());
      if (table.deletableBy().contains(role)) {
        answer(operation(path, "delete", "Deletes rows."), "200");
      }
    }
    return path;
  }

  private static ServedTable.Writing writing(ServedTable.Column column) {
    ServedTable.Writing writing = column.writing();
    if (writing == null) {
      throw new IllegalStateException(column.name() + " is of no table");
    }
    return writing;
  }

  private interface Writers {
    Set<String> of(ServedTable.Column column);
  }

  private void write(
      ObjectNode path, String method, String description, String status, Writers writers) {
    Predicate<ServedTable.Column> mayWrite = column -> writers.of(column).contains(role);
    List<ServedTable.Column> columns = table.columns().values().stream().filter(mayWrite).toList();
    if (columns.isEmpty()) {
      return;
    }
    ObjectNode operation = operation(path, method, description);
    ObjectNode body = JSON.createObjectNode().put("type", "object");
    ObjectNode properties = body.putObject("properties");
    columns.forEach(column -> properties.set(column.name(), described(column)));
    List<String> required =
        columns.stream()
            .filter(column -> method.equals("post") && writing(column).isRequired())
            .map(ServedTable.Column::name)
            .toList();
    if (!required.isEmpty()) {
      required.forEach(body.putArray("required")::add);
    }
    operation
        .putObject("requestBody")
        .put("required", true)
        .putObject("content")
        .putObject("application/json")
        .set("schema", body);
    answer(operation, status);
  }

  private ObjectNode operation(ObjectNode path, String method, String description) {
    ObjectNode operation =
        path.putObject(method).put("operationId", "table." + method + "." + table.name());
    String comment = table.comment();
    operation.put("description", comment == null ? description : description + " " + comment);
    operation.putArray("tags").add(table.name());
    return operation;
  }

  private static void parameter(ArrayNode parameters, String name) {
    boolean isKnown =
        parameters.valueStream().anyMatch(one -> one.get("name").asString().equals(name));
    if (!isKnown) {
      parameters
          .addObject()
          .put("name", name)
          .put("in", "query")
          .put("required", false)
          .putObject("schema")
          .put("type", "string");
    }
  }

  private void answer(ObjectNode operation, String status) {
    ObjectNode responses = operation.putObject("responses");
    ObjectNode rows = JSON.createObjectNode().put("type", "array");
    rows.putObject("items").put("$ref", "#/components/schemas/" + schemaName);
    responses
        .putObject(status)
        .put("description", "The rows, where they are wanted.")
        .putObject("content")
        .putObject("application/json")
        .set("schema", rows);
    responses.putObject("default").put("$ref", "#/components/responses/Problem");
  }

  private static ObjectNode described(ServedTable.Column column) {
    ObjectNode schema =
        writing(column).isRequired()
            ? TypeSchema.of(column.typeName())
            : TypeSchema.nullable(column.typeName());
    String comment = writing(column).comment();
    if (comment != null) {
      schema.put("description", comment);
    }
    return schema;
  }
}
