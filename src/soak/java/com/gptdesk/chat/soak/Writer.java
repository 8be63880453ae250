package com.gptdesk.chat.soak;

import com.gptdesk.chat.database.ChatDatabase;
import com.gptdesk.chat.database.Refusal;
import com.gptdesk.chat.database.connection.DatabaseUnavailable;
import com.gptdesk.chat.jooq.Routines;
import com.gptdesk.chat.jooq.routines.SendMessage;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.UUID;
import java.util.function.BooleanSupplier;
import org.jooq.DSLContext;
import org.jspecify.annotations.Nullable;

/**
 * Sends, edits, deletes and reacts, in the name of one person; tries again when it must. One
 * thread.
 */
final class Writer {
  private final ChatDatabase chat;
  private final UUID person;
  private final UUID conversation;
  private final Random random;
  private final Tally tally;
  private final List<UUID> mine = new ArrayList<>();

  Writer(ChatDatabase chat, UUID person, UUID conversation, Random random, Tally tally) {
    this.chat = chat;
    this.person = person;
    this.conversation = conversation;
    this.random = random;
    this.tally = tally;
  }

  /**
   * Writes for as long as that holds.
   *
   * @param pauseMillis between two writes, on average
   */
  void write(BooleanSupplier on, int pauseMillis) throws InterruptedException {
    while (on.getAsBoolean()) {
      try {
        act();
        tally.sent.increment();
      } catch (DatabaseUnavailable e) {
        Thread.sleep(random.nextLong(20, 200)); // whoever writes tries again later
      } catch (Refusal e) {
        // The database was in the middle of stopping or recovering, or the message is deleted.
        Thread.sleep(random.nextLong(5, 50));
      }
      Thread.sleep(random.nextLong(2L * pauseMillis + 1)); // the pace of the load
    }
  }

  private void act() {
    int what = mine.isEmpty() ? 0 : random.nextInt(20);
    UUID some = mine.isEmpty() ? null : mine.get(random.nextInt(mine.size()));
    if (what < 13 || some == null) {
      mine.add(send("message " + random.nextInt()));
    } else if (what < 17) {
      does(tx -> Routines.editMessage(tx.configuration(), some, "edited " + random.nextInt()));
    } else if (what < 19) {
      does(
          tx -> Routines.addReaction(tx.configuration(), some, random.nextBoolean() ? "👍" : "🎉"));
    } else {
      does(tx -> Routines.deleteMessage(tx.configuration(), some));
      mine.remove(some);
    }
  }

  private UUID send(String content) {
    return chat.as(
        person,
        tx -> {
          var message = new SendMessage();
          message.setConversationId(conversation);
          message.setContent(content);
          message.execute(tx.configuration());
          return message.getReturnValue().getId();
        });
  }

  private void does(java.util.function.Consumer<DSLContext> work) {
    chat.<@Nullable Void>as(
        person,
        tx -> {
          work.accept(tx);
          return null;
        });
  }
}
