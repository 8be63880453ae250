package com.gptdesk.chat.service.realtime.channel;

import java.nio.charset.StandardCharsets;

/** How long a text is on the wire. */
final class Utf8 {
  private Utf8() {}

  static int length(String text) {
    return text.getBytes(StandardCharsets.UTF_8).length;
  }
}
