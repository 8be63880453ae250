package com.gptdesk.chat.service.realtime.channel;

/** Counts deliveries to channels. Thread-safe. */
public interface DeliveryCounts {
  /** Counts this many messages of a live change. */
  void countDelivered(int messages);

  /** Counts a change that was replayed from the tables. */
  void countReplayed();
}
