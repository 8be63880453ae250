package com.gptdesk.chat.service.query;

import com.gptdesk.chat.service.http.Problem;
import com.gptdesk.chat.service.query.TableQuery.Condition;
import com.gptdesk.chat.service.query.TableQuery.Ordering;
import com.gptdesk.chat.service.query.TableQuery.Selected;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A {@link TableQuery} while it is read: {@code select} makes the tree, the rest is hung into it.
 */
final class QueryTree {

  /**
   * A part of {@code select}.
   *
   * @param tree of what is embedded; null for a column
   */
  private record Part(Selected selected, @Nullable QueryTree tree) {
    Selected finished() {
      return selected instanceof Selected.Embed embed && tree != null
          ? new Selected.Embed(
              embed.target(), embed.alias(), embed.hint(), embed.inner(), tree.finished())
          : selected;
    }
  }

  private static final TableQuery NOTHING =
      new TableQuery(List.of(), List.of(), List.of(), null, 0);

  private final List<Part> parts = new ArrayList<>();
  private final List<Condition> where = new ArrayList<>();
  private final List<Ordering> order = new ArrayList<>();
  private @Nullable Long limit;
  private long offset;

  void select(Selected plain) {
    parts.add(new Part(plain, null));
  }

  /** Embeds a table; its own parts go into the tree that is returned. */
  QueryTree embed(String target, @Nullable String alias, @Nullable String hint, boolean inner) {
    QueryTree tree = new QueryTree();
    parts.add(new Part(new Selected.Embed(target, alias, hint, inner, NOTHING), tree));
    return tree;
  }

  void where(Condition condition) {
    where.add(condition);
  }

  void order(List<Ordering> more) {
    order.addAll(more);
  }

  void limit(long rows) {
    limit = rows;
  }

  void offset(long rows) {
    offset = rows;
  }

  /**
   * The tree of what is embedded under these names, each inside the one before.
   *
   * @throws Problem.Stop PGRST108 when {@code select} embeds nothing of that name
   */
  QueryTree at(List<String> names) {
    QueryTree tree = this;
    for (String name : names) {
      tree = tree.embedded(name);
    }
    return tree;
  }

  private QueryTree embedded(String name) {
    for (Part part : parts) {
      if (part.selected() instanceof Selected.Embed embed
          && part.tree() != null
          && (embed.shownName().equals(name) || embed.target().equals(name))) {
        return part.tree();
      }
    }
    throw Problem.of(400, "PGRST108", "'" + name + "' is not an embedded resource in this request")
        .withHint("Verify that '" + name + "' is included in the 'select' query parameter.")
        .stop();
  }

  TableQuery finished() {
    return new TableQuery(
        parts.stream().map(Part::finished).toList(),
        List.copyOf(where),
        List.copyOf(order),
        limit,
        offset);
  }
}
