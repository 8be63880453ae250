package com.gptdesk.chat.service.rpc;

import com.gptdesk.chat.database.StorableText;
import com.gptdesk.chat.service.http.Problem;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.regex.Pattern;
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
  Set<String> SHAPING =
      Set.of("select", "order", "limit", "offset", "and", "or", "not.and", "not.or", "columns");
  Pattern FILTER =
      Pattern.compile(
          "(not\\.)?(eq|neq|gt|gte|lt|lte|like|ilike|match|imatch|in|is|isdistinct|cs|cd|ov|sl|sr|nxr|nxl|adj"
              + "|fts|plfts|phfts|wfts)(\\((any|all|[a-z_]+)\\))?\\..*",
          Pattern.DOTALL);

  /** The names that were given. */
  Set<String> names();

  /** As one JSON object. */
  String json(CallableFunction function);

  /** The conversation argument, if there is one. */
  default @Nullable String conversation() {
    return null;
  }

  /** The query's arguments for a read, otherwise those of the body. */
  static RpcArguments of(RpcRequest request, FunctionCatalogue catalogue) {
    return request.reads() ? fromQuery(request, catalogue) : fromBody(request);
  }

  record Body(Set<String> names, String json, @Nullable String conversation)
      implements RpcArguments {
    @Override
    public String json(CallableFunction function) {
      return json;
    }
  }

  record Query(Map<String, String> values) implements RpcArguments {
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

  private static RpcArguments fromQuery(RpcRequest request, FunctionCatalogue catalogue) {
    Map<String, String> values = new LinkedHashMap<>();
    for (Map.Entry<String, String> parameter : request.query()) {
      if (!catalogue.hasArgument(request.function(), parameter.getKey())) {
        refuseShaping(parameter);
        if (selectsAll(parameter)) {
          continue;
        }
        if (FILTER.matcher(parameter.getValue()).matches()) {
          throw notOffered(parameter.getKey()).stop();
        }
      }
      values.put(parameter.getKey(), parameter.getValue());
    }
    return new Query(values);
  }

  private static RpcArguments fromBody(RpcRequest request) {
    for (Map.Entry<String, String> parameter : request.query()) {
      refuseShaping(parameter);
      if (!selectsAll(parameter)) {
        throw notOffered(parameter.getKey()).stop();
      }
    }
    refuseOtherContent(request.contentType());
    String json = StorableText.ofJson(utf8(request.body()));
    if (json.isBlank()) {
      return new Body(Set.of(), "{}", null);
    }
    Set<String> names = new LinkedHashSet<>();
    String conversation = null;
    // One pass finds the names and checks that the text is JSON; the text itself is passed on
    // unchanged.
    try (JsonParser parser = JSON.createParser(json)) {
      if (parser.nextToken() != JsonToken.START_OBJECT) {
        throw badJson("Send the arguments as one JSON object").stop();
      }
      while (parser.nextToken() != JsonToken.END_OBJECT) {
        String name = parser.currentName();
        names.add(name);
        if (parser.nextToken() == JsonToken.VALUE_STRING && name.equals("conversation_id")) {
          conversation = parser.getString().toLowerCase(Locale.ROOT);
        }
        parser.skipChildren();
      }
      if (parser.nextToken() != null) {
        throw badJson("There is something after the JSON object").stop();
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
    return new Body(names, json, conversation);
  }

  private static boolean selectsAll(Map.Entry<String, String> parameter) {
    return parameter.getKey().equals("select") && parameter.getValue().equals("*");
  }

  private static void refuseShaping(Map.Entry<String, String> parameter) {
    if (SHAPING.contains(parameter.getKey()) && !selectsAll(parameter)) {
      throw notOffered(parameter.getKey()).stop();
    }
  }

  private static Problem notOffered(String parameter) {
    return Problem.of(
            400,
            "PGRST100",
            "\"" + parameter + "\" cannot be used on the result of a function here")
        .withHint(
            "Use the function's own arguments; for select, filters, order and limit run PostgREST beside this service on the same database");
  }

  private static void refuseOtherContent(@Nullable String contentType) {
    if (contentType == null || contentType.isBlank()) {
      return;
    }
    String type = contentType.split(";", 2)[0].strip().toLowerCase(Locale.ROOT);
    if (!type.equals("application/json")) {
      throw Problem.of(400, "PGRST102", "Content-Type not acceptable: " + type)
          .withHint("Send application/json")
          .stop();
    }
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
