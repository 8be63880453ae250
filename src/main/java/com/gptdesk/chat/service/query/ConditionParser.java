package com.gptdesk.chat.service.query;

import com.gptdesk.chat.database.StorableText;
import com.gptdesk.chat.service.query.TableQuery.Condition;
import com.gptdesk.chat.service.query.TableQuery.Condition.Comparison;
import com.gptdesk.chat.service.query.TableQuery.Condition.Junction;
import com.gptdesk.chat.service.query.TableQuery.Condition.Quantifier;
import com.gptdesk.chat.service.query.TableQuery.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** Reads filters ({@code not.eq.5}) and trees of them ({@code (a.eq.1,not.or(b.is.null,…))}). */
final class ConditionParser {
  private static final Set<String> TRUTHS = Set.of("null", "not_null", "true", "false", "unknown");
  private static final List<String> JUNCTIONS = List.of("not.and", "not.or", "and", "or");
  private static final int DEEPEST = 20;
  private static final int MOST_VALUES = 1000;

  private final Cursor cursor;
  private final boolean inTree;

  private ConditionParser(String what, String text, boolean inTree) {
    this.cursor = new Cursor(what, text);
    this.inTree = inTree;
  }

  /** The value of a parameter that names a column. */
  static Condition filter(Path path, String value) {
    ConditionParser parser = new ConditionParser("filter", StorableText.of(value), false);
    Condition condition = parser.comparison(path);
    parser.cursor.expectEnd();
    return condition;
  }

  /** The value of a parameter {@code and}, {@code or}, {@code not.and} or {@code not.or}. */
  static Condition tree(boolean negated, boolean every, String value) {
    ConditionParser parser = new ConditionParser("logic tree", StorableText.of(value), true);
    Condition condition = parser.junction(negated, every, 0);
    parser.cursor.expectEnd();
    return condition;
  }

  private Condition junction(boolean negated, boolean every, int depth) {
    if (depth > DEEPEST) {
      throw cursor.unreadable("conditions deeper than " + DEEPEST);
    }
    cursor.expect("(");
    List<Condition> parts = new ArrayList<>();
    do {
      cursor.skipSpaces();
      parts.add(part(depth));
      cursor.skipSpaces();
    } while (cursor.skip(","));
    cursor.expect(")");
    return new Junction(negated, every, List.copyOf(parts));
  }

  private Condition part(int depth) {
    for (String word : JUNCTIONS) {
      if (cursor.isAt(word + "(")) {
        cursor.skip(word);
        return junction(word.startsWith("not."), word.endsWith("and"), depth + 1);
      }
    }
    Path path = cursor.path();
    cursor.expect(".");
    return comparison(path);
  }

  private Comparison comparison(Path path) {
    boolean negated = cursor.skip("not.");
    Operator operator = Operator.of(cursor.word());
    if (operator == null) {
      throw cursor.unreadable("expecting an operator");
    }
    Quantifier quantifier = null;
    String language = null;
    if (cursor.skip("(")) {
      String word = cursor.untilAnyOf(".,()");
      cursor.expect(")");
      if (operator.operand() == Operator.Operand.SEARCH) {
        language = word;
      } else {
        quantifier = quantifier(operator, word);
      }
    }
    cursor.expect(".");
    return new Comparison(
        path, negated, operator, quantifier, language, operand(operator, quantifier));
  }

  private Quantifier quantifier(Operator operator, String word) {
    if (operator.isQuantified() && word.equals("any")) {
      return Quantifier.ANY;
    }
    if (operator.isQuantified() && word.equals("all")) {
      return Quantifier.ALL;
    }
    throw cursor.unreadable("expecting any or all, and an operator that takes them");
  }

  private List<String> operand(Operator operator, @Nullable Quantifier quantifier) {
    return switch (operator.operand()) {
      case LIST -> list();
      case TRUTH -> {
        String truth = single().toLowerCase(Locale.ROOT);
        if (!TRUTHS.contains(truth)) {
          throw cursor.unreadable("expecting null, not_null, true, false or unknown");
        }
        yield List.of(truth);
      }
      case PATTERN -> List.of(single().replace('*', '%'));
      case VALUE, EXPRESSION, SEARCH -> {
        String value = single();
        if (quantifier != null && !(value.startsWith("{") && value.endsWith("}"))) {
          throw cursor.unreadable("expecting a list in braces");
        }
        yield List.of(value);
      }
    };
  }

  /** Alone the whole text; in a tree what ends at a comma or a parenthesis. */
  private String single() {
    if (!inTree) {
      return cursor.rest();
    }
    if (cursor.isAt("{")) {
      String array = cursor.untilAnyOf("}");
      cursor.expect("}");
      return array + "}";
    }
    return element();
  }

  private List<String> list() {
    cursor.expect("(");
    List<String> values = new ArrayList<>();
    if (!cursor.isAt(")")) {
      do {
        values.add(element());
        if (values.size() > MOST_VALUES) {
          throw cursor.unreadable("more than " + MOST_VALUES + " values");
        }
      } while (cursor.skip(","));
    }
    cursor.expect(")");
    return List.copyOf(values);
  }

  /** In quotes, or to the next comma or parenthesis. */
  private String element() {
    int start = cursor.mark();
    if (cursor.isAt("\"")) {
      String value = cursor.quoted();
      if (cursor.isAtEnd() || cursor.isAt(",") || cursor.isAt(")")) {
        return value;
      }
      cursor.back(start);
    }
    return cursor.untilAnyOf(",)");
  }
}
