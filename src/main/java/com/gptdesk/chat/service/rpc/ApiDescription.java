package com.gptdesk.chat.service.rpc;

import com.gptdesk.chat.service.http.Reply;
import com.gptdesk.chat.service.rest.FunctionRows;
import com.gptdesk.chat.service.rest.TypeSchema;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * OpenAPI of what is served to one role: what the build says of the chat's own functions, and what
 * the database says of tables and of an operator's functions.
 */
final class ApiDescription {
  private static final JsonMapper JSON = JsonMapper.shared();
  private static final ObjectNode BUILT = built();

  private ApiDescription() {}

  /**
   * The document.
   *
   * @param role who asks
   * @param functions those that are served, by name
   */
  static Reply of(String role, Map<String, List<CallableFunction>> functions, FunctionRows tables) {
    ObjectNode document = BUILT.deepCopy();
    ObjectNode paths = JSON.createObjectNode();
    tables.describe(role, paths, (ObjectNode) document.at("/components/schemas"));
    functions.entrySet().stream()
        .sorted(Map.Entry.comparingByKey())
        .forEach(
            entry -> {
              List<CallableFunction> callable =
                  entry.getValue().stream()
                      .filter(function -> function.executableBy().contains(role))
                      .toList();
              JsonNode own = BUILT.get("paths").path("/rpc/" + entry.getKey());
              if (!callable.isEmpty()) {
                paths.set(
                    "/rpc/" + entry.getKey(),
                    own.isObject() && callable.stream().allMatch(CallableFunction::isOurs)
                        ? own.deepCopy()
                        : path(callable));
              }
            });
    document.set("paths", paths);
    return new Reply(
        200,
        "application/openapi+json; charset=utf-8",
        Map.of("Cache-Control", "no-store"),
        JSON.writeValueAsString(document));
  }

  /** Of the functions of one name. */
  private static ObjectNode path(List<CallableFunction> functions) {
    ObjectNode path = JSON.createObjectNode();
    ObjectNode post = operation(path.putObject("post"), "call.", functions);
    ObjectNode content = post.putObject("requestBody").put("required", false).putObject("content");
    for (CallableFunction function : functions) {
      String type =
          switch (String.valueOf(function.bodyType())) {
            case "text" -> "text/plain";
            case "bytea" -> "application/octet-stream";
            default -> "application/json";
          };
      ArrayNode any =
          content.withObjectProperty(type).withObjectProperty("schema").withArrayProperty("anyOf");
      any.add(arguments(function));
    }
    List<CallableFunction> reading =
        functions.stream()
            .filter(function -> !function.writes() && function.bodyType() == null)
            .toList();
    if (!reading.isEmpty()) {
      ObjectNode get = operation(path.putObject("get"), "read.", reading);
      ArrayNode parameters = get.putArray("parameters");
      reading.stream()
          .map(CallableFunction::argumentNames)
          .flatMap(Collection::stream)
          .distinct()
          .forEach(
              name ->
                  parameters
                      .addObject()
                      .put("name", name)
                      .put("in", "query")
                      .put(
                          "required",
                          reading.stream()
                              .allMatch(
                                  function ->
                                      function
                                          .argumentNames()
                                          .subList(0, function.requiredArguments())
                                          .contains(name)))
                      .putObject("schema")
                      .put("type", "string"));
    }
    return path;
  }

  private static ObjectNode operation(
      ObjectNode operation, String prefix, List<CallableFunction> functions) {
    CallableFunction first = functions.getFirst();
    String comment = first.comment();
    operation
        .put("operationId", prefix + first.name())
        .put("description", comment == null ? "Calls " + first.name() + "." : comment);
    ObjectNode responses = operation.putObject("responses");
    ObjectNode answered = responses.putObject("200").put("description", "The result.");
    ArrayNode any =
        answered
            .putObject("content")
            .putObject("application/json")
            .putObject("schema")
            .putArray("anyOf");
    functions.forEach(function -> any.add(result(function)));
    if (functions.stream().anyMatch(one -> one.result() == CallableFunction.Result.VOID)) {
      responses.putObject("204").put("description", "Done.");
    }
    responses.putObject("default").put("$ref", "#/components/responses/Problem");
    return operation;
  }

  private static ObjectNode arguments(CallableFunction function) {
    if (function.bodyType() != null) {
      return TypeSchema.of(String.valueOf(function.bodyType()));
    }
    ObjectNode body = JSON.createObjectNode().put("type", "object");
    ObjectNode properties = body.putObject("properties");
    for (String name : function.argumentNames()) {
      properties.set(name, TypeSchema.of(function.typeOf(name)));
    }
    if (function.requiredArguments() > 0) {
      ArrayNode required = body.putArray("required");
      function.argumentNames().subList(0, function.requiredArguments()).forEach(required::add);
    }
    return body.put("additionalProperties", false);
  }

  private static ObjectNode result(CallableFunction function) {
    ObjectNode row = JSON.createObjectNode();
    if (!function.returned().columns().isEmpty()) {
      row.put("type", "object");
      ObjectNode properties = row.putObject("properties");
      function
          .returned()
          .columns()
          .forEach((name, type) -> properties.set(name, TypeSchema.of(type)));
    }
    if (function.result() != CallableFunction.Result.SET) {
      return row;
    }
    ObjectNode rows = JSON.createObjectNode().put("type", "array");
    rows.set("items", row);
    return rows;
  }

  private static ObjectNode built() {
    try (InputStream file = ApiDescription.class.getResourceAsStream("/openapi.json")) {
      return (ObjectNode) JSON.readTree(Objects.requireNonNull(file, "openapi.json"));
    } catch (IOException e) {
      throw new UncheckedIOException("openapi.json cannot be read", e);
    }
  }
}
