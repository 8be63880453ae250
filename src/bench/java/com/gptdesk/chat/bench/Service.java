package com.gptdesk.chat.bench;

/** A service that is measured, in a process of its own. */
interface Service extends Clients.Dialect, AutoCloseable {
  /** The id of its process. */
  long pid();

  /** A query of how many messages its database has. */
  String countOfMessages();

  @Override
  void close();
}
