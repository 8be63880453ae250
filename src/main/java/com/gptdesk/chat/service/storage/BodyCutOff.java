package com.gptdesk.chat.service.storage;

import java.io.IOException;

/** The client went away before the body was whole. */
public final class BodyCutOff extends IOException {
  private static final long serialVersionUID = 1;

  public BodyCutOff(Throwable cause) {
    super("The request ended before its body was whole", cause);
  }
}
