package com.gptdesk.chat.service.query;

import com.gptdesk.chat.service.http.Problem;
import com.gptdesk.chat.service.query.TableQuery.Path;
import com.gptdesk.chat.service.query.TableQuery.Selected;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Reads {@code select}: columns, {@code alias:column}, {@code column::type}, paths into JSON, and
 * embedded tables {@code alias:table!hint!inner(…)}.
 */
final class SelectParser {
  private static final int MOST_PARTS = 200;
  private static final Set<String> AGGREGATES = Set.of("avg", "count", "max", "min", "sum");

  private final Cursor cursor;
  private final int maxDepth;
  private int parts;

  private SelectParser(String text, int maxDepth) {
    this.cursor = new Cursor("select parameter", text);
    this.maxDepth = maxDepth;
  }

  /** Hangs all parts into this tree. */
  static void parse(String text, QueryTree tree, int maxDepth) {
    SelectParser parser = new SelectParser(text, maxDepth);
    if (text.isBlank()) {
      tree.select(new Selected.All());
      return;
    }
    parser.list(tree, 0);
    parser.cursor.expectEnd();
  }

  private void list(QueryTree tree, int depth) {
    do {
      if (++parts > MOST_PARTS) {
        throw cursor.unreadable("more than " + MOST_PARTS + " columns and tables");
      }
      part(tree, depth);
      cursor.skipSpaces();
    } while (cursor.skip(","));
  }

  private void part(QueryTree tree, int depth) {
    cursor.skipSpaces();
    if (cursor.isAt("...")) {
      throw refused("PGRST127", "Spreading an embedded table is not offered").stop();
    }
    if (cursor.skip("*")) {
      tree.select(new Selected.All());
      return;
    }
    int start = cursor.mark();
    String name = cursor.name();
    String alias = null;
    if (!cursor.isAt("::") && cursor.skip(":")) {
      alias = name;
      start = cursor.mark();
      name = cursor.name();
    }
    if (cursor.isAt("!") || cursor.isAt("(")) {
      embed(tree, alias, name, depth);
    } else {
      cursor.back(start);
      column(tree, alias, cursor.path());
    }
  }

  private void column(QueryTree tree, @Nullable String alias, Path path) {
    refuseAggregates();
    String type = cursor.skip("::") ? cursor.untilAnyOf(",).").strip() : null;
    if (type != null && type.isEmpty()) {
      throw cursor.unreadable("expecting a type");
    }
    refuseAggregates();
    tree.select(new Selected.Column(path, alias, type));
  }

  private void refuseAggregates() {
    if (cursor.skip(".")) {
      if (AGGREGATES.contains(cursor.word()) && cursor.isAt("()")) {
        throw aggregates();
      }
      throw cursor.unreadable("expecting a comma or the end");
    }
  }

  private void embed(QueryTree tree, @Nullable String alias, String target, int depth) {
    if (target.equals("count") && cursor.isAt("()")) {
      throw aggregates();
    }
    String hint = null;
    boolean inner = false;
    while (cursor.skip("!")) {
      String word = cursor.name();
      switch (word) {
        case "inner" -> inner = true;
        case "left" -> inner = false;
        default -> {
          if (hint != null) {
            throw cursor.unreadable("expecting one hint");
          }
          hint = word;
        }
      }
    }
    if (depth == maxDepth) {
      throw cursor.unreadable("tables embedded deeper than " + maxDepth);
    }
    cursor.expect("(");
    QueryTree embedded = tree.embed(target, alias, hint, inner);
    cursor.skipSpaces();
    if (!cursor.skip(")")) {
      list(embedded, depth + 1);
      cursor.expect(")");
    }
  }

  private static Problem.Stop aggregates() {
    return refused("PGRST123", "Use of aggregate functions is not allowed").stop();
  }

  private static Problem refused(String code, String message) {
    return Problem.of(400, code, message)
        .withHint("Select columns and embedded tables; write a function for the rest");
  }
}
