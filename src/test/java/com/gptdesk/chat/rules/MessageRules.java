package com.gptdesk.chat.rules;

import com.gptdesk.chat.jooq.routines.SendMessage;
import com.gptdesk.chat.jooq.udt.records.MessageViewRecord;
import com.gptdesk.chat.testing.Person;
import java.time.Instant;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.ThreadLocalRandom;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** A conversation of Alice and Bob, and what the tests of its messages share. */
abstract class MessageRules extends Rules {

  final UUID conversation = alice.talksTo(bob);

  MessageViewRecord send(Person person, Consumer<SendMessage> details) {
    return person.does(
        tx -> {
          SendMessage message = new SendMessage();
          message.setConversationId(conversation);
          message.setContent("hi");
          details.accept(message);
          message.execute(tx.configuration());
          return message.getReturnValue();
        });
  }

  MessageViewRecord file(String type, String url, @Nullable String name, @Nullable Long size) {
    return send(
        alice,
        message -> {
          message.setContent("");
          message.setMessageType(type);
          message.setFileUrl(url);
          message.setFileName(name);
          message.setFileSize(size);
        });
  }

  static List<Long> seqs(List<MessageViewRecord> messages) {
    return messages.stream().map(MessageViewRecord::getSeq).toList();
  }

  /** A UUIDv7 of a moment, as a client makes it. */
  static UUID uuid7(Instant moment) {
    ThreadLocalRandom random = ThreadLocalRandom.current();
    return new UUID(
        (moment.toEpochMilli() << 16) | 0x7000 | random.nextInt(0x1000),
        (random.nextLong() >>> 2) | Long.MIN_VALUE);
  }

  /** Lets the millisecond pass that ids are told apart by. */
  static void await() {
    long now = System.currentTimeMillis();
    while (System.currentTimeMillis() == now) {
      Thread.onSpinWait();
    }
  }
}
