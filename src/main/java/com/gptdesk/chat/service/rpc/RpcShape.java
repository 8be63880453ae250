package com.gptdesk.chat.service.rpc;

import com.gptdesk.chat.database.StorableText;
import com.gptdesk.chat.service.http.Problem;
import com.gptdesk.chat.service.query.Operator;
import com.gptdesk.chat.service.query.QueryParser;
import com.gptdesk.chat.service.query.TableQuery;
import com.gptdesk.chat.service.query.TableQuery.Condition;
import com.gptdesk.chat.service.query.TableQuery.Condition.Comparison;
import com.gptdesk.chat.service.query.TableQuery.Condition.Junction;
import com.gptdesk.chat.service.query.TableQuery.Ordering;
import com.gptdesk.chat.service.query.TableQuery.Path;
import com.gptdesk.chat.service.query.TableQuery.Selected;
import java.util.EnumSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
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

  private static final Set<Operator> OPERATORS =
      EnumSet.of(
          Operator.EQ,
          Operator.NEQ,
          Operator.GT,
          Operator.GTE,
          Operator.LT,
          Operator.LTE,
          Operator.LIKE,
          Operator.ILIKE,
          Operator.MATCH,
          Operator.IMATCH,
          Operator.IN,
          Operator.IS,
          Operator.ISDISTINCT,
          Operator.CS,
          Operator.CD,
          Operator.OV);
  private static final Set<String> LOGIC = Set.of("and", "or", "not.and", "not.or");
  private static final int MOST_CONDITIONS = 100;

  /** By which a filter is told from an argument that does not exist. */
  private static final Pattern FILTER =
      Pattern.compile("(not\\.)?[a-z]+(\\([^()]*\\))?\\..*", Pattern.DOTALL);

  /** Whether a parameter of the query shapes the result, if it is no argument. */
  static boolean isShaping(Map.Entry<String, String> parameter) {
    return switch (parameter.getKey()) {
      case "select", "order", "limit", "offset" -> true;
      default -> isCondition(parameter);
    };
  }

  private static boolean isCondition(Map.Entry<String, String> parameter) {
    return LOGIC.contains(parameter.getKey()) || FILTER.matcher(parameter.getValue()).matches();
  }

  /** Reads the parameters, each of which shapes the result. */
  static RpcShape of(List<Map.Entry<String, String>> parameters) {
    if (parameters.isEmpty()) {
      return NONE;
    }
    QueryParser.Parsed parsed = QueryParser.parse(parameters, 0);
    if (parsed.columns() != null || parsed.onConflict() != null) {
      throw refused("columns and on_conflict are of tables").stop();
    }
    TableQuery query = parsed.query();
    ObjectNode shape = JSON.createObjectNode();
    if (!query.select().equals(List.of(new Selected.All()))) {
      ArrayNode columns = shape.putArray("select");
      for (Selected part : query.select()) {
        select(columns, part);
      }
    }
    if (!query.order().isEmpty()) {
      ArrayNode columns = shape.putArray("order");
      for (Ordering term : query.order()) {
        order(columns, term);
      }
    }
    if (query.limit() != null) {
      shape.put("limit", query.limit());
    }
    if (query.offset() > 0) {
      shape.put("offset", query.offset());
    }
    if (!query.where().isEmpty()) {
      new Filters().all(shape.putArray("and"), query.where());
    }
    return shape.isEmpty()
        ? NONE
        : new RpcShape(StorableText.ofJson(JSON.writeValueAsString(shape)), query.offset());
  }

  private static void select(ArrayNode columns, Selected part) {
    if (!(part instanceof Selected.Column column) || column.type() != null) {
      throw refused("a star beside columns, a cast or an embedded table").stop();
    }
    columns.addObject().put("column", plain(column.path())).put("as", column.shownName());
  }

  private static void order(ArrayNode columns, Ordering term) {
    if (term.relation() != null) {
      throw refused("an order by an embedded table").stop();
    }
    Boolean first = term.nullsFirst();
    columns
        .addObject()
        .put("column", plain(term.path()))
        .put("descending", term.descending())
        .put("nulls", first == null ? null : first ? "first" : "last");
  }

  private static String plain(Path path) {
    if (!path.steps().isEmpty()) {
      throw refused("a path into JSON").stop();
    }
    return path.column();
  }

  private static Problem refused(String what) {
    return Problem.of(400, "PGRST100", "Of a function's result this is not offered: " + what)
        .withHint(
            "On a function's result: select, order, limit, offset, and, or, and filters column=operator.value with one of "
                + String.join(", ", OPERATORS.stream().map(Operator::word).sorted().toList()));
  }

  /** Writes conditions, and counts them. */
  private static final class Filters {
    private int conditions;

    void all(ArrayNode list, List<Condition> parts) {
      for (Condition part : parts) {
        if (++conditions > MOST_CONDITIONS) {
          throw refused("more than " + MOST_CONDITIONS + " conditions").stop();
        }
        switch (part) {
          case Junction junction -> {
            ObjectNode node = list.addObject().put("not", junction.negated());
            all(node.putArray(junction.every() ? "and" : "or"), junction.parts());
          }
          case Comparison comparison -> compare(list.addObject(), comparison);
        }
      }
    }

    private static void compare(ObjectNode node, Comparison comparison) {
      Operator operator = comparison.operator();
      if (!OPERATORS.contains(operator)) {
        throw refused("the operator " + operator.word()).stop();
      }
      Condition.Quantifier quantifier = comparison.quantifier();
      node.put("column", plain(comparison.path()))
          .put("not", comparison.negated())
          .put("operator", operator.word())
          .put(
              "quantifier", quantifier == null ? null : quantifier.name().toLowerCase(Locale.ROOT));
      if (operator.operand() == Operator.Operand.LIST) {
        comparison.values().forEach(node.putArray("values")::add);
      } else {
        node.put("value", comparison.values().getFirst());
      }
    }
  }
}
