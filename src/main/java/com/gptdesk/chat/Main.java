package com.gptdesk.chat;

/** Starts the commands. */
public final class Main {
  private Main() {}

  public static void main(String[] arguments) {}
}
