package com.gptdesk.chat.service.rest;

import com.gptdesk.chat.database.Refusal;
import com.gptdesk.chat.database.WritingFunctions;
import org.jspecify.annotations.Nullable;

/** The functions that do what a table refuses, for the hint of the refusal. */
final class FunctionHints {
  private FunctionHints() {}

  /** The refusal with such a hint, where it is of a right and has none. */
  static Refusal with(Refusal refusal, RestRequest request, ServedTable table, String role) {
    if (!refusal.code().equals("42501")
        || refusal.hint() != null
        || String.valueOf(refusal.getMessage()).startsWith("permission denied for function")) {
      return refusal;
    }
    String hint = request.reads() ? readable(table, role) : function(request);
    return hint == null
        ? refusal
        : new Refusal(
            refusal.code(), String.valueOf(refusal.getMessage()), refusal.details(), hint, refusal);
  }

  private static @Nullable String function(RestRequest request) {
    String command =
        switch (request.method()) {
          case "PATCH" -> "update";
          case "DELETE" -> "delete";
          default -> "insert";
        };
    return WritingFunctions.hint(command, request.table());
  }

  private static @Nullable String readable(ServedTable table, String role) {
    String columns =
        String.join(", ", table.readableBy(role).stream().map(ServedTable.Column::name).toList());
    return columns.isEmpty() ? null : "Of " + table.name() + " you may read " + columns;
  }
}
