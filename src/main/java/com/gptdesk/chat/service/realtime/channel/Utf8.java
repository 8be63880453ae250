package com.gptdesk.chat.service.realtime.channel;

import java.nio.charset.StandardCharsets;

/** The length of a text in UTF-8. */
final class Utf8 {
  private Utf8() {}

  static int length(String text) {
    return text.getBytes(StandardCharsets.UTF_8).length;
  }
}
