package com.gptdesk.chat.service.realtime.changes;

/** A filter that is invalid. The message is for its author. */
final class InvalidFilter extends Exception {
  private static final long serialVersionUID = 1;

  InvalidFilter(String message) {
    super(message);
  }
}
