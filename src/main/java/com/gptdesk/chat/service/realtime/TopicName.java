package com.gptdesk.chat.service.realtime;

import java.util.regex.Pattern;

/** Which topics may carry broadcasts and presence at all; the database says for whom. */
final class TopicName {
  private static final Pattern KNOWN =
      Pattern.compile(
          "(conversation|team|user)-[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}");

  private TopicName() {}

  /** False for a name that any channel may have, but where nothing is said. */
  static boolean isKnown(String name) {
    return KNOWN.matcher(name).matches();
  }

  /** The topic of a conversation. */
  static String ofConversation(String id) {
    return "conversation-" + id;
  }
}
