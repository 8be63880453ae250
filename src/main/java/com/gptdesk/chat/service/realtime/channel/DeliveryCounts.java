package com.gptdesk.chat.service.realtime.channel;

/** Counts what is delivered to channels. Any thread may call. */
public interface DeliveryCounts {
  /** So many messages of a live change were delivered. */
  void countDelivered(int messages);

  /** A change was replayed from the tables. */
  void countReplayed();
}
