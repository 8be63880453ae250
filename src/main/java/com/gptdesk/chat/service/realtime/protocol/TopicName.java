package com.gptdesk.chat.service.realtime.protocol;

import java.util.regex.Pattern;

/** Which topics may carry broadcasts and presence at all; the database says for whom. */
public final class TopicName {
  /** What stands before the name on the wire. */
  public static final String PREFIX = "realtime:";

  private static final Pattern KNOWN =
      Pattern.compile(
          "(conversation|team|user)-[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}");

  private TopicName() {}

  /** False for a name that any channel may have, but where nothing is said. */
  public static boolean isKnown(String name) {
    return KNOWN.matcher(name).matches();
  }

  /** The topic of a conversation. */
  public static String ofConversation(String id) {
    return "conversation-" + id;
  }
}
