package com.gptdesk.chat.service.realtime.protocol;

import java.util.regex.Pattern;

/** The names of topics that carry broadcasts and presence; the database decides for whom. */
public final class TopicName {
  /** The prefix of a name in the protocol. */
  public static final String PREFIX = "realtime:";

  private static final Pattern KNOWN =
      Pattern.compile(
          "(conversation|team|user)-[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}");

  private TopicName() {}

  /** False for a name that channels may have, but that carries no broadcasts or presence. */
  public static boolean isKnown(String name) {
    return KNOWN.matcher(name).matches();
  }

  /** The topic of a conversation. */
  public static String ofConversation(String id) {
    return "conversation-" + id;
  }
}
