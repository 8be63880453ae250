package example;

import com.gptdesk.chat.client.LiveChanges;
import com.gptdesk.chat.client.LiveEvent;
import com.gptdesk.chat.client.UserChat;
import com.gptdesk.chat.database.ChatDatabase;
import com.gptdesk.chat.database.Refusal;
import com.gptdesk.chat.database.connection.Login;
import com.gptdesk.chat.database.migration.Migrations;
import com.gptdesk.chat.model.Message;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;

/** Two people talk, one of them listens, and a third is refused. docs/library.md shows this. */
final class Lunch {

  /** What Bob was told while Alice wrote. */
  final BlockingQueue<LiveEvent> told = new LinkedBlockingQueue<>();

  List<Message> talk(Login owner, Login login, UUID aliceId, UUID bobId, UUID malloryId)
      throws InterruptedException {
    // As who owns the tables, at start: brings the database to where this version needs it.
    Migrations.migrate(owner.dataSource(), null);

    // As the runtime login, a member of chat_service that owns nothing. Your pool goes here.
    ChatDatabase database = new ChatDatabase(login.dataSource());
    UserChat alice = new UserChat(database, aliceId);
    UserChat bob = new UserChat(database, bobId);
    UserChat mallory = new UserChat(database, malloryId);

    try (LiveChanges live = LiveChanges.start(database, login);
        var listening = bob.subscribe(live, told::add)) {
      UUID conversation = alice.getOrCreateConversation(bobId);
      told.take(); // the first word: from here on every change is told
      alice.sendMessage(conversation, "Lunch at noon?");
      bob.sendMessage(conversation, "Gladly!");

      try {
        mallory.sendMessage(conversation, "Me too!");
      } catch (Refusal no) {
        switch (no.reason()) {
          case NOT_ALLOWED -> System.out.println(no.getMessage() + " " + no.hint());
          default -> throw no;
        }
      }
      waitForBoth();
      return bob.getMessages(conversation);
    }
  }

  private void waitForBoth() throws InterruptedException {
    for (int messages = 0; messages < 2; ) {
      if (told.take() instanceof LiveEvent.Changed change
          && change.table().equals("user_messages")) {
        System.out.println("Bob is told: " + change.row().get("content"));
        messages++;
      }
    }
  }
}
