package com.gptdesk.chat.service.people;

/** What is told of a person or team cannot be stored; the message says why. */
public final class InvalidPerson extends IllegalStateException {
  private static final long serialVersionUID = 1;

  InvalidPerson(String reason) {
    super(reason);
  }
}
