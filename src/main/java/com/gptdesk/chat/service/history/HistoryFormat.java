package com.gptdesk.chat.service.history;

import java.io.IOException;
import java.nio.file.Path;
import java.util.Locale;
import java.util.function.Consumer;

/** Whose export it is. */
public enum HistoryFormat {
  /** A workspace export with direct messages: users.json, dms.json, a folder for each. */
  SLACK,
  /** Collections as mongoexport writes them: users, rooms and messages, one object a line. */
  ROCKETCHAT,
  /** A bulk export: one object a line. */
  MATTERMOST;

  /** The name of a source, when the operator gives none. */
  String source() {
    return name().toLowerCase(Locale.ROOT);
  }

  /**
   * Reads the direct messages of two people.
   *
   * @param export the folder of the export; for {@link #MATTERMOST} the file itself
   * @param messages receives them, in the order of the export
   * @return how many others there were: of groups, to oneself, of the system
   */
  long read(Path export, Consumer<HistoryMessage> messages) throws IOException {
    return switch (this) {
      case SLACK -> new SlackExport(export).read(messages);
      case ROCKETCHAT -> new RocketChatExport(export).read(messages);
      case MATTERMOST -> new MattermostExport(export).read(messages);
    };
  }
}
