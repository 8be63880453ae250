package com.gptdesk.chat.service.history;

import java.util.Map;

/** The emoji of the short names that people use most. */
final class EmojiNames {
  private static final Map<String, String> EMOJI =
      Map.ofEntries(
          Map.entry("+1", "👍"),
          Map.entry("thumbsup", "👍"),
          Map.entry("-1", "👎"),
          Map.entry("thumbsdown", "👎"),
          Map.entry("heart", "❤️"),
          Map.entry("joy", "😂"),
          Map.entry("smile", "😄"),
          Map.entry("slightly_smiling_face", "🙂"),
          Map.entry("grinning", "😀"),
          Map.entry("open_mouth", "😮"),
          Map.entry("cry", "😢"),
          Map.entry("sob", "😭"),
          Map.entry("thinking_face", "🤔"),
          Map.entry("thinking", "🤔"),
          Map.entry("tada", "🎉"),
          Map.entry("fire", "🔥"),
          Map.entry("rocket", "🚀"),
          Map.entry("eyes", "👀"),
          Map.entry("pray", "🙏"),
          Map.entry("clap", "👏"),
          Map.entry("wave", "👋"),
          Map.entry("ok_hand", "👌"),
          Map.entry("raised_hands", "🙌"),
          Map.entry("white_check_mark", "✅"),
          Map.entry("heavy_check_mark", "✔️"),
          Map.entry("x", "❌"),
          Map.entry("100", "💯"));

  private EmojiNames() {}

  /** The emoji; for a name that is not known here the name in colons; an emoji stays. */
  static String reaction(String name) {
    String known = EMOJI.get(name);
    if (known != null) {
      return known;
    }
    return name.matches("[\\w+-]+") ? ":" + name + ":" : name;
  }
}
