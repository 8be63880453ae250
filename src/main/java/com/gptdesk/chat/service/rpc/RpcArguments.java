package com.gptdesk.chat.service.rpc;

import com.gptdesk.chat.database.StorableText;
import com.gptdesk.chat.service.http.Problem;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Base64;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.core.JsonParser;
import tools.jackson.core.JsonToken;
import tools.jackson.core.TokenStreamLocation;
import tools.jackson.core.exc.StreamConstraintsException;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;
import tools.jackson.databind.util.RawValue;

/** Arguments by name, and their JSON once the function's types are known. */
sealed interface RpcArguments {
  JsonMapper JSON = new JsonMapper();

  /** Types of a parameter that take a body of JSON. */
  Set<String> JSON_TYPES = Set.of("json", "jsonb");

  /** The names that were given. */
  Set<String> names();

  /** As one JSON object, or the whole body for a function that takes it. */
  String json(CallableFunction function);

  /** Types of a parameter that take the body; none for the query's arguments. */
  default Set<String> bodyTypes() {
    return Set.of();
  }

  /** What is wanted of the result. */
  RpcShape shape();

  /** The conversation argument, if there is one. */
  default @Nullable String conversation() {
    return null;
  }

  /**
   * The query's arguments for a read, otherwise those of the body.
   *
   * @param maxDepth how deep tables may be embedded in the result
   */
  static RpcArguments of(RpcRequest request, FunctionCatalogue catalogue, int maxDepth) {
    return request.reads()
        ? fromQuery(request, catalogue, maxDepth)
        : fromBody(request, catalogue, maxDepth);
  }

  record Body(
      Set<String> names,
      String json,
      @Nullable String conversation,
      RpcShape shape,
      Set<String> bodyTypes)
      implements RpcArguments {
    @Override
    public String json(CallableFunction function) {
      return json;
    }
  }

  record Query(Map<String, String> values, RpcShape shape) implements RpcArguments {
    @Override
    public Set<String> names() {
      return values.keySet();
    }

    @Override
    public String json(CallableFunction function) {
      ObjectNode json = JSON.createObjectNode();
      values.forEach(
          (name, value) -> {
            // The database converts a text to any type except JSON, where a text is a value itself.
            if (function.typeOf(name).startsWith("json")) {
              json.putRawValue(name, new RawValue(checkedJson(value)));
            } else {
              json.put(name, value);
            }
          });
      return StorableText.ofJson(JSON.writeValueAsString(json));
    }

    private static String checkedJson(String value) {
      try {
        return JSON.readTree(value).toString();
      } catch (JacksonException e) {
        throw Problem.of(400, "22P02", "invalid input syntax for type json")
            .withDetails(e.getOriginalMessage())
            .stop();
      }
    }
  }

  private static RpcArguments fromQuery(
      RpcRequest request, FunctionCatalogue catalogue, int maxDepth) {
    Map<String, String> values = new LinkedHashMap<>();
    List<Map.Entry<String, String>> shaping = new ArrayList<>();
    for (Map.Entry<String, String> parameter : request.query()) {
      if (!catalogue.hasArgument(request.function(), parameter.getKey())
          && RpcShape.isShaping(parameter)) {
        shaping.add(parameter);
      } else {
        values.put(parameter.getKey(), parameter.getValue());
      }
    }
    return new Query(values, RpcShape.of(shaping, maxDepth));
  }

  private static RpcArguments fromBody(
      RpcRequest request, FunctionCatalogue catalogue, int maxDepth) {
    RpcShape shape = RpcShape.of(request.query(), maxDepth);
    Set<String> types = bodyTypes(request, catalogue);
    if (types.contains("bytea")) {
      ByteBuffer bytes = Base64.getEncoder().encode(request.body().duplicate());
      return new Body(
          Set.of(), StandardCharsets.US_ASCII.decode(bytes).toString(), null, shape, types);
    }
    if (types.contains("text")) {
      return new Body(Set.of(), StorableText.of(utf8(request.body())), null, shape, types);
    }
    String json = StorableText.ofJson(utf8(request.body()));
    if (json.isBlank()) {
      return new Body(Set.of(), "{}", null, shape, types);
    }
    Set<String> names = new LinkedHashSet<>();
    String conversation = null;
    // One pass finds the names and checks that the text is JSON; the text itself is passed on
    // unchanged.
    try (JsonParser parser = JSON.createParser(json)) {
      boolean isObject = parser.nextToken() == JsonToken.START_OBJECT;
      if (!isObject && !catalogue.takesBody(request.function(), types)) {
        throw badJson("Send the arguments as one JSON object").stop();
      }
      if (!isObject) {
        parser.skipChildren();
      }
      while (isObject && parser.nextToken() != JsonToken.END_OBJECT) {
        String name = parser.currentName();
        names.add(name);
        if (parser.nextToken() == JsonToken.VALUE_STRING && name.equals("conversation_id")) {
          conversation = parser.getString().toLowerCase(Locale.ROOT);
        }
        parser.skipChildren();
      }
      if (parser.nextToken() != null) {
        throw badJson("There is something after the JSON").stop();
      }
    } catch (StreamConstraintsException e) {
      throw badJson(e.getOriginalMessage()).stop();
    } catch (JacksonException e) {
      TokenStreamLocation place = e.getLocation();
      throw badJson(
              place == null
                  ? null
                  : "At line " + place.getLineNr() + ", column " + place.getColumnNr())
          .stop();
    }
    return new Body(names, json, conversation, shape, types);
  }

  /**
   * Types of a parameter that take such a body.
   *
   * @throws Problem.Stop PGRST102 for a body that no function of the name takes
   */
  private static Set<String> bodyTypes(RpcRequest request, FunctionCatalogue catalogue) {
    String contentType = request.contentType();
    String type =
        contentType == null ? "" : contentType.split(";", 2)[0].strip().toLowerCase(Locale.ROOT);
    Set<String> types =
        switch (type) {
          case "", "application/json" -> JSON_TYPES;
          case "text/plain" -> Set.of("text");
          case "application/octet-stream" -> Set.of("bytea");
          default -> Set.of();
        };
    if (!types.equals(JSON_TYPES) && !catalogue.takesBody(request.function(), types)) {
      throw Problem.of(400, "PGRST102", "Content-Type not acceptable: " + type)
          .withHint("Send application/json")
          .stop();
    }
    return types;
  }

  private static String utf8(ByteBuffer body) {
    try {
      return StandardCharsets.UTF_8.newDecoder().decode(body.duplicate()).toString();
    } catch (CharacterCodingException e) {
      throw badJson("The body is not UTF-8").stop();
    }
  }

  private static Problem badJson(@Nullable String details) {
    return Problem.of(400, "PGRST102", "Empty or invalid json")
        .withDetails(details)
        .withHint(
            "Send one JSON object in UTF-8; in its texts controls are escapes, such as \\n for a line feed");
  }
}
