package com.gptdesk.chat.service.rest;

import com.gptdesk.chat.service.http.Problem;
import com.gptdesk.chat.service.query.QueryParser;
import com.gptdesk.chat.service.query.TableQuery;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * Which of the rows are wanted.
 *
 * @param limit null for as many as the service allows
 */
record RowRange(long offset, @Nullable Long limit) {
  private static final Pattern HEADER = Pattern.compile("(?:items=)?(\\d{1,9})-(\\d{1,9})?");

  /**
   * What both the query and the header {@code Range} ask for; another form of the header is passed
   * over, as HTTP says.
   *
   * @throws Problem.Stop PGRST103 when the header's end is before its beginning
   */
  static RowRange of(TableQuery query, @Nullable String header) {
    Matcher matcher = HEADER.matcher(header == null ? "" : header.strip());
    if (!matcher.matches()) {
      return new RowRange(query.offset(), query.limit());
    }
    long first = Long.parseLong(matcher.group(1));
    long last = matcher.group(2) == null ? Long.MAX_VALUE - 1 : Long.parseLong(matcher.group(2));
    if (last < first) {
      throw QueryParser.unsatisfiable(
              "The lower boundary must be lower than or equal to the upper boundary in the Range header.")
          .stop();
    }
    long offset = Math.max(first, query.offset());
    Long limit = query.limit();
    long end = limit == null ? last + 1 : Math.min(last + 1, query.offset() + limit);
    return new RowRange(
        offset, limit == null && matcher.group(2) == null ? null : Math.max(0, end - offset));
  }

  TableQuery applied(TableQuery query) {
    return new TableQuery(query.select(), query.where(), query.order(), limit, offset);
  }
}
