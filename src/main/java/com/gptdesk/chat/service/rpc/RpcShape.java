package com.gptdesk.chat.service.rpc;

import com.gptdesk.chat.service.http.Problem;
import com.gptdesk.chat.service.query.QueryParser;
import com.gptdesk.chat.service.query.TableQuery;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * What a client wants of a function's result, as PostgREST reads it from the query: {@code select},
 * filters, {@code and} and {@code or}, {@code order}, {@code limit} and {@code offset}.
 *
 * @param query null when the whole result is wanted
 */
record RpcShape(@Nullable TableQuery query) {

  /** The whole result. */
  static final RpcShape NONE = new RpcShape(null);

  private static final TableQuery EVERYTHING =
      new TableQuery(List.of(new TableQuery.Selected.All()), List.of(), List.of(), null, 0);

  private static final Set<String> LOGIC = Set.of("and", "or", "not.and", "not.or");

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

  /**
   * Reads the parameters, each of which shapes the result.
   *
   * @param maxDepth how deep tables may be embedded in it
   */
  static RpcShape of(List<Map.Entry<String, String>> parameters, int maxDepth) {
    if (parameters.isEmpty()) {
      return NONE;
    }
    QueryParser.Parsed parsed = QueryParser.parse(parameters, maxDepth);
    if (parsed.columns() != null || parsed.onConflict() != null) {
      throw Problem.of(400, "PGRST100", "columns and on_conflict are of tables")
          .withHint("On a function's result: select, order, limit, offset, and, or, and filters")
          .stop();
    }
    return parsed.query().equals(EVERYTHING) ? NONE : new RpcShape(parsed.query());
  }

  /** How many rows are left out. */
  long offset() {
    return query == null ? 0 : query.offset();
  }
}
