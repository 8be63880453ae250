package com.gptdesk.chat.service.rpc;

import com.gptdesk.chat.service.settings.Setting;
import com.gptdesk.chat.service.settings.Settings;
import java.util.List;

/**
 * How many messages one commit stores.
 *
 * @param places how many batches, or messages alone, are stored at a time
 * @param messages the most of a batch; 1 for none
 * @param bytes the most of a batch's arguments, unless one message alone has more
 * @param waiting how many messages may wait for a place
 */
public record BatchLimits(int places, int messages, int bytes, int waiting) {

  private static final Setting<Integer> PLACES =
      Setting.number(
          "CHAT_SEND_PLACES",
          2,
          1,
          1000,
          "batches of messages, or messages alone, that are stored at a time; what comes meanwhile is the next batch, which begins once as many messages are ready as the largest beside it has");
  private static final Setting<Integer> MESSAGES =
      Setting.number(
          "CHAT_SEND_BATCH",
          64,
          1,
          1000,
          "messages that one commit stores; 1: no batches, and no message waits for another's");
  private static final Setting<Integer> BYTES =
      Setting.number(
          "CHAT_SEND_BATCH_BYTES",
          262_144,
          1024,
          67_108_864,
          "bytes of the calls that one commit stores, unless one call alone has more");
  private static final Setting<Integer> WAITING =
      Setting.number(
          "CHAT_SEND_WAITING",
          10_000,
          1,
          1_000_000,
          "messages that wait for a place; one more is answered 503 with Retry-After");

  /** Those of batches. */
  public static final List<Setting<?>> SETTINGS = List.of(PLACES, MESSAGES, BYTES, WAITING);

  /** As when nothing is set. */
  static final BatchLimits DEFAULT = new BatchLimits(2, 64, 262_144, 10_000);

  /** As the environment says. */
  static BatchLimits from(Settings settings) {
    return new BatchLimits(
        settings.get(PLACES), settings.get(MESSAGES), settings.get(BYTES), settings.get(WAITING));
  }
}
