package com.gptdesk.chat.service.realtime.protocol;

import org.jspecify.annotations.Nullable;

/** The serializers, by the version that a client names. */
public final class Serializers {
  private Serializers() {}

  /**
   * The serializer for a client's query parameter {@code vsn}; absent means 1.0.0. Null when it is
   * not supported.
   */
  public static @Nullable Serializer ofVersion(@Nullable String vsn) {
    if (vsn == null || vsn.isEmpty() || vsn.startsWith("1.")) {
      return new SerializerV1();
    }
    return vsn.startsWith("2.") ? new SerializerV2() : null;
  }
}
