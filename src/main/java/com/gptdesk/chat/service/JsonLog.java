package com.gptdesk.chat.service;

import ch.qos.logback.classic.encoder.JsonEncoder;
import ch.qos.logback.classic.spi.ILoggingEvent;
import java.nio.charset.StandardCharsets;

/** Logback's JSON with the time in ISO 8601 besides its milliseconds. */
public final class JsonLog extends JsonEncoder {

  /** Created by {@code logback.xml}. */
  public JsonLog() {}

  @Override
  public byte[] encode(ILoggingEvent event) {
    String line = new String(super.encode(event), StandardCharsets.UTF_8);
    return ("{\"time\":\"" + event.getInstant() + "\"," + line.substring(1))
        .getBytes(StandardCharsets.UTF_8);
  }
}
