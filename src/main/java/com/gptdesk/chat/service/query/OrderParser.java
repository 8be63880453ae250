package com.gptdesk.chat.service.query;

import com.gptdesk.chat.service.query.TableQuery.Ordering;
import com.gptdesk.chat.service.query.TableQuery.Path;
import java.util.ArrayList;
import java.util.List;

/** Reads {@code order}: {@code created_at.desc.nullslast,sender(full_name)}. */
final class OrderParser {
  private static final int MOST_TERMS = 20;

  private final Cursor cursor;

  private OrderParser(String text) {
    this.cursor = new Cursor("order", text);
  }

  static List<Ordering> parse(String text) {
    OrderParser parser = new OrderParser(text);
    List<Ordering> terms = new ArrayList<>();
    do {
      terms.add(parser.term());
      if (terms.size() > MOST_TERMS) {
        throw parser.cursor.unreadable("more than " + MOST_TERMS + " columns");
      }
    } while (parser.cursor.skip(","));
    parser.cursor.expectEnd();
    return terms;
  }

  private Ordering term() {
    Path path = cursor.path();
    String relation = null;
    if (path.steps().isEmpty() && cursor.skip("(")) {
      relation = path.column();
      path = cursor.path();
      cursor.expect(")");
    }
    boolean descending = false;
    Boolean nullsFirst = null;
    if (cursor.skip(".desc")) {
      descending = true;
    } else {
      cursor.skip(".asc");
    }
    if (cursor.skip(".nullsfirst")) {
      nullsFirst = true;
    } else if (cursor.skip(".nullslast")) {
      nullsFirst = false;
    }
    cursor.skipSpaces();
    return new Ordering(relation, path, descending, nullsFirst);
  }
}
