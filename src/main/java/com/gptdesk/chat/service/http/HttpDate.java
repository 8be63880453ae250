package com.gptdesk.chat.service.http;

import java.time.Instant;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.Locale;

/** The header {@code Date} of an answer: a client whose clock is wrong learns the time by it. */
public final class HttpDate {

  public static final String HEADER = "Date";

  /** RFC 9110, section 5.6.7. The formatter of the JDK writes days before the tenth otherwise. */
  private static final DateTimeFormatter FORMAT =
      DateTimeFormatter.ofPattern("EEE, dd MMM yyyy HH:mm:ss 'GMT'", Locale.ROOT)
          .withZone(ZoneOffset.UTC);

  private HttpDate() {}

  /** A moment as the header has it, in whole seconds. */
  public static String of(Instant moment) {
    return FORMAT.format(moment);
  }
}
