package com.gptdesk.chat.service.backup;

import java.io.IOException;
import java.io.StringReader;
import java.util.Properties;

/**
 * The first entry of a backup: what made it.
 *
 * @param program the version of the service
 * @param postgres the version of PostgreSQL, as {@code 18.6}
 * @param madeAt when it was begun, in UTC
 */
record Description(String program, String postgres, String madeAt) {

  /** The name of the entry. */
  static final String NAME = "BACKUP";

  /** Grows when an older version of the service cannot restore what this one writes. */
  private static final String FORMAT = "1";

  String text() {
    return "format=%s\nprogram=%s\npostgresql=%s\nmade_at=%s\n"
        .formatted(FORMAT, program, postgres, madeAt);
  }

  /**
   * What a backup says.
   *
   * @throws IllegalStateException another version of the service is needed
   */
  static Description of(String text) throws IOException {
    Properties read = new Properties();
    read.load(new StringReader(text));
    if (!FORMAT.equals(read.getProperty("format"))) {
      throw new IllegalStateException(
          "The backup has format %s, and this version reads format %s: restore it with %s."
              .formatted(
                  read.getProperty("format"),
                  FORMAT,
                  read.getProperty("program", "the version that made it")));
    }
    return new Description(
        read.getProperty("program", "an unknown version"),
        read.getProperty("postgresql", ""),
        read.getProperty("made_at", "at an unknown time"));
  }

  /** {@return the major version of PostgreSQL} */
  String major() {
    return postgres.replaceFirst("\\D.*", "");
  }
}
