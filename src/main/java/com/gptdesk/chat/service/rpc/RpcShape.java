package com.gptdesk.chat.service.rpc;

import com.gptdesk.chat.database.StorableText;
import com.gptdesk.chat.service.http.Problem;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * What a client wants of a function's result, as PostgREST reads it from the query: {@code select},
 * filters, {@code and} and {@code or}, {@code order}, {@code limit} and {@code offset}. The
 * database makes the statement of it ({@code chat.shaped_statement}).
 *
 * @param json for the database; null when the whole result is wanted
 * @param offset how many rows are left out
 */
record RpcShape(@Nullable String json, long offset) {
  private static final JsonMapper JSON = JsonMapper.shared();

  /** The whole result. */
  static final RpcShape NONE = new RpcShape(null, 0);

  private static final Set<String> OPERATORS =
      Set.of(
          "eq",
          "neq",
          "gt",
          "gte",
          "lt",
          "lte",
          "like",
          "ilike",
          "match",
          "imatch",
          "in",
          "is",
          "isdistinct",
          "cs",
          "cd",
          "ov");
  private static final Set<String> OF_ANY =
      Set.of("eq", "gt", "gte", "lt", "lte", "like", "ilike", "match", "imatch");
  private static final Set<String> LOGIC = Set.of("and", "or", "not.and", "not.or");
  private static final Set<String> TRUTHS = Set.of("null", "not_null", "true", "false", "unknown");
  private static final int DEEPEST = 20;
  private static final int MOST_CONDITIONS = 100;
  private static final Pattern CONDITION =
      Pattern.compile("(not\\.)?([a-z]+)(?:\\((any|all)\\))?\\.(.*)", Pattern.DOTALL);
  private static final Pattern COLUMN = Pattern.compile("[\\p{L}_][\\p{L}\\p{N}_$]*");
  private static final Pattern ORDER =
      Pattern.compile("([^.]+)(?:\\.(asc|desc))?(?:\\.nulls(first|last))?");

  /** Whether a parameter of the query shapes the result, if it is no argument. */
  static boolean isShaping(Map.Entry<String, String> parameter) {
    return switch (parameter.getKey()) {
      case "select", "order", "limit", "offset" -> true;
      default -> isCondition(parameter);
    };
  }

  private static boolean isCondition(Map.Entry<String, String> parameter) {
    return LOGIC.contains(parameter.getKey()) || CONDITION.matcher(parameter.getValue()).matches();
  }

  /** Reads the parameters, each of which shapes the result. */
  static RpcShape of(List<Map.Entry<String, String>> parameters) {
    ObjectNode shape = JSON.createObjectNode();
    ArrayNode all = JSON.createArrayNode();
    long offset = 0;
    for (Map.Entry<String, String> parameter : parameters) {
      String value = parameter.getValue();
      switch (parameter.getKey()) {
        case "select" -> {
          if (!value.equals("*") && !value.isEmpty()) {
            shape.set("select", selected(value));
          }
        }
        case "order" -> shape.set("order", ordered(value));
        case "limit" -> shape.put("limit", number("limit", value));
        case "offset" -> {
          offset = number("offset", value);
          shape.put("offset", offset);
        }
        default -> {
          if (!isCondition(parameter)) {
            throw unreadable(parameter.getKey() + "=" + value);
          }
          new Reader(all).top(parameter.getKey(), value);
        }
      }
    }
    if (!all.isEmpty()) {
      shape.set("and", all);
    }
    return shape.isEmpty()
        ? NONE
        : new RpcShape(StorableText.ofJson(JSON.writeValueAsString(shape)), offset);
  }

  private static ArrayNode selected(String list) {
    ArrayNode columns = JSON.createArrayNode();
    for (String one : list.split(",", -1)) {
      String[] parts = one.strip().split(":", 2);
      String column = column(parts[parts.length - 1]);
      columns.addObject().put("column", column).put("as", parts.length == 1 ? column : parts[0]);
    }
    return columns;
  }

  private static ArrayNode ordered(String list) {
    ArrayNode columns = JSON.createArrayNode();
    for (String one : list.split(",", -1)) {
      Matcher matcher = ORDER.matcher(one.strip());
      if (!matcher.matches()) {
        throw unreadable("order=" + list);
      }
      columns
          .addObject()
          .put("column", column(matcher.group(1)))
          .put("descending", "desc".equals(matcher.group(2)))
          .put("nulls", matcher.group(3));
    }
    return columns;
  }

  private static long number(String name, String text) {
    if (!text.matches("\\d{1,9}")) {
      throw unreadable(name + "=" + text);
    }
    return Long.parseLong(text);
  }

  private static String column(String text) {
    if (!COLUMN.matcher(text).matches()) {
      throw Problem.of(400, "PGRST100", "\"" + text + "\" is no column")
          .withHint(
              "Name columns of the function's result; embedded resources, casts and paths into JSON are not offered here")
          .stop();
    }
    return text;
  }

  private static Problem.Stop unreadable(String text) {
    return Problem.of(400, "PGRST100", "failed to parse (" + text + ")")
        .withHint(
            "On a function's result: select, order, limit, offset, and, or, and filters column=operator.value with one of "
                + String.join(", ", OPERATORS.stream().sorted().toList()))
        .stop();
  }

  /** Reads conditions, and counts them. */
  private static final class Reader {
    private final ArrayNode all;
    private String text = "";
    private int at;
    private int conditions;

    Reader(ArrayNode all) {
      this.all = all;
    }

    void top(String key, String value) {
      if (LOGIC.contains(key)) {
        text = value;
        logic(all, key, 0);
        if (at < text.length()) {
          throw unreadable(value);
        }
      } else {
        condition(all.addObject(), column(key), value);
      }
      if (all.size() > MOST_CONDITIONS) {
        throw unreadable("more than " + MOST_CONDITIONS + " conditions");
      }
    }

    /** {@code (a.eq.1,or(b.lt.2,c.is.null))}. */
    private void logic(ArrayNode list, String key, int depth) {
      ObjectNode node = list.addObject();
      node.put("not", key.startsWith("not."));
      ArrayNode parts = node.putArray(key.endsWith("and") ? "and" : "or");
      if (depth > DEEPEST || !skip('(')) {
        throw unreadable(text);
      }
      do {
        String nested = nestedLogic();
        if (nested != null) {
          logic(parts, nested, depth + 1);
        } else {
          int dot = text.indexOf('.', at);
          if (dot < 0 || ++conditions > MOST_CONDITIONS) {
            throw unreadable(text);
          }
          String name = column(text.substring(at, dot).strip());
          at = dot + 1;
          condition(parts.addObject(), name, untilSeparator());
        }
      } while (skip(','));
      if (!skip(')')) {
        throw unreadable(text);
      }
    }

    private @Nullable String nestedLogic() {
      for (String key : List.of("not.and", "not.or", "and", "or")) {
        if (text.startsWith(key + "(", at)) {
          at += key.length();
          return key;
        }
      }
      return null;
    }

    /** A condition's text, to the comma or bracket that ends it. */
    private String untilSeparator() {
      int start = at;
      int open = 0;
      boolean quoted = false;
      for (; at < text.length(); at++) {
        char c = text.charAt(at);
        if (quoted && c == '\\') {
          at++;
        } else if (c == '"') {
          quoted = !quoted;
        } else if (!quoted && (c == '(' || c == '{')) {
          open++;
        } else if (!quoted && (c == ')' || c == '}') && open > 0) {
          open--;
        } else if (!quoted && open == 0 && (c == ',' || c == ')')) {
          break;
        }
      }
      return text.substring(start, Math.min(at, text.length()));
    }

    private void condition(ObjectNode node, String name, String value) {
      Matcher matcher = CONDITION.matcher(value);
      if (!matcher.matches()
          || !OPERATORS.contains(matcher.group(2))
          || (matcher.group(3) != null && !OF_ANY.contains(matcher.group(2)))) {
        throw unreadable(name + "=" + value);
      }
      String operator = matcher.group(2);
      node.put("column", name)
          .put("not", matcher.group(1) != null)
          .put("operator", operator)
          .put("quantifier", matcher.group(3));
      String operand = matcher.group(4);
      switch (operator) {
        case "in" -> {
          ArrayNode values = node.putArray("values");
          for (String one : list(operand)) {
            values.add(one);
          }
        }
        case "is" -> {
          String truth = operand.toLowerCase(Locale.ROOT);
          if (!TRUTHS.contains(truth)) {
            throw unreadable(name + "=" + value);
          }
          node.put("value", truth);
        }
        default -> node.put("value", unquoted(operand));
      }
    }

    private boolean skip(char c) {
      boolean there = at < text.length() && text.charAt(at) == c;
      if (there) {
        at++;
      }
      return there;
    }

    /** Within {@code and} and {@code or} a value may stand in quotes. */
    private String unquoted(String value) {
      boolean isQuoted =
          !text.isEmpty() && value.length() > 1 && value.startsWith("\"") && value.endsWith("\"");
      return isQuoted ? value.substring(1, value.length() - 1).replaceAll("\\\\(.)", "$1") : value;
    }

    private static List<String> list(String operand) {
      if (operand.length() < 2 || !operand.startsWith("(") || !operand.endsWith(")")) {
        throw unreadable("in." + operand);
      }
      String inner = operand.substring(1, operand.length() - 1);
      if (inner.isEmpty()) {
        return List.of();
      }
      var values = new ArrayList<String>();
      var value = new StringBuilder();
      boolean quoted = false;
      for (int i = 0; i < inner.length(); i++) {
        char c = inner.charAt(i);
        if (quoted && c == '\\' && i + 1 < inner.length()) {
          value.append(inner.charAt(++i));
        } else if (c == '"' && (quoted || value.isEmpty())) {
          quoted = !quoted;
        } else if (c == ',' && !quoted) {
          values.add(value.toString());
          value.setLength(0);
        } else {
          value.append(c);
        }
      }
      values.add(value.toString());
      return values;
    }
  }
}
