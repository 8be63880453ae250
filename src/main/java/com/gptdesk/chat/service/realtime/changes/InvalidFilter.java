package com.gptdesk.chat.service.realtime.changes;

/** A filter that cannot be understood. The message is for whoever wrote it. */
final class InvalidFilter extends Exception {
  private static final long serialVersionUID = 1;

  InvalidFilter(String message) {
    super(message);
  }
}
