package com.gptdesk.chat.service.rest;

import com.gptdesk.chat.service.http.Problem;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * The form of an answer, from {@code Accept}.
 *
 * @param stripped whether keys without a value are left out
 */
record MediaType(Form form, boolean stripped) {

  /** What the rows become. */
  enum Form {
    /** A JSON array. */
    ARRAY("application/json; charset=utf-8"),
    /** One JSON object. */
    OBJECT("application/vnd.pgrst.object+json; charset=utf-8"),
    /** Lines of comma-separated values, after one of names. */
    CSV("text/csv; charset=utf-8");

    private final String contentType;

    Form(String contentType) {
      this.contentType = contentType;
    }

    String contentType() {
      return contentType;
    }
  }

  /**
   * The first form that the client accepts and that is offered.
   *
   * @throws Problem.Stop PGRST107 for none
   */
  static MediaType accepted(@Nullable String accept) {
    if (accept == null || accept.isBlank()) {
      return new MediaType(Form.ARRAY, false);
    }
    for (String one : accept.toLowerCase(Locale.ROOT).split(",", -1)) {
      String type = one.replace(" ", "");
      boolean stripped = type.contains(";nulls=stripped");
      switch (type.split(";", 2)[0]) {
        case "application/vnd.pgrst.object+json", "application/vnd.pgrst.object" -> {
          return new MediaType(Form.OBJECT, stripped);
        }
        case "application/vnd.pgrst.array+json", "application/vnd.pgrst.array" -> {
          return new MediaType(Form.ARRAY, stripped);
        }
        case "*/*", "application/*", "application/json" -> {
          return new MediaType(Form.ARRAY, false);
        }
        case "text/csv" -> {
          return new MediaType(Form.CSV, false);
        }
        default -> {}
      }
    }
    throw Problem.of(406, "PGRST107", "None of these media types are available: " + accept)
        .withHint("Ask for application/json, application/vnd.pgrst.object+json or text/csv")
        .stop();
  }
}
