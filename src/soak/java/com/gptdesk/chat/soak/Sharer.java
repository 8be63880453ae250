package com.gptdesk.chat.soak;

import com.gptdesk.chat.database.ChatDatabase;
import com.gptdesk.chat.database.Refusal;
import com.gptdesk.chat.database.connection.DatabaseUnavailable;
import com.gptdesk.chat.jooq.Routines;
import com.gptdesk.chat.jooq.routines.SendMessage;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Random;
import java.util.UUID;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;
import java.util.function.IntSupplier;
import org.jooq.DSLContext;
import org.jspecify.annotations.Nullable;

/**
 * Uploads files, sends most of them, has the other person read them, and removes some; tries again
 * when it must. One thread.
 */
final class Sharer {
  private final ChatDatabase chat;
  private final HttpClient http;
  private final IntSupplier port;
  private final UUID person;
  private final String reader;
  private final UUID conversation;
  private final Uploader uploader;
  private final Random random;
  private final Uploader.Seen seen;

  /**
   * @param port where the next request goes
   * @param token of the person
   * @param reader the token of the other one
   */
  Sharer(
      ChatDatabase chat,
      HttpClient http,
      IntSupplier port,
      UUID person,
      String token,
      String reader,
      UUID conversation,
      Random random,
      Uploader.Seen seen) {
    this.chat = chat;
    this.http = http;
    this.port = port;
    this.person = person;
    this.reader = reader;
    this.conversation = conversation;
    this.random = random;
    this.seen = seen;
    this.uploader = new Uploader(http, port, token, conversation, random, seen);
  }

  /**
   * Begins new files for as long as that holds, and ends when it has done all with the last one.
   *
   * @param patience as long as this holds, it tries again
   */
  void share(BooleanSupplier on, BooleanSupplier patience) throws InterruptedException {
    for (int i = 0; on.getAsBoolean(); i++) {
      Uploader.Stored file = uploader.store(i % 2 == 1, patience);
      if (file == null) {
        return;
      }
      UUID message = i % 4 == 3 ? null : send(file, patience);
      read(file, patience);
      if (file.atOnce() && random.nextInt(3) == 0) {
        remove(file, message, patience);
      }
      Thread.sleep(random.nextLong(50)); // the pace of the load
    }
  }

  /** The id of its message. */
  private UUID send(Uploader.Stored file, BooleanSupplier patience) throws InterruptedException {
    UUID key = UUID.randomUUID();
    UUID[] message = new UUID[1];
    again(
        patience,
        "sent",
        file,
        tx -> {
          var sending = new SendMessage();
          sending.setId(key);
          sending.setConversationId(conversation);
          sending.setContent("");
          sending.setMessageType("file");
          sending.setFileUrl(conversation + "/" + file.name());
          sending.execute(tx.configuration());
          message[0] = sending.getReturnValue().getId();
        });
    return message[0];
  }

  /** What was acknowledged is there for the other person, byte by byte, at whichever node. */
  private void read(Uploader.Stored file, BooleanSupplier patience) throws InterruptedException {
    while (patience.getAsBoolean()) {
      HttpResponse<byte[]> answer = download(file);
      if (answer != null && answer.statusCode() == 200) {
        if (Uploader.sha256(answer.body()).equals(file.sha256())) {
          seen.read.increment();
        } else {
          seen.complaints.add(file.name() + " was read with other bytes");
        }
        return;
      }
      if (answer != null && answer.statusCode() == 400) {
        seen.complaints.add(
            file.name() + " was not found: " + new String(answer.body(), StandardCharsets.UTF_8));
        return;
      }
      Thread.sleep(random.nextLong(20, 150)); // whoever reads tries again later
    }
    seen.complaints.add(file.name() + " was never read");
  }

  private @Nullable HttpResponse<byte[]> download(Uploader.Stored file)
      throws InterruptedException {
    try {
      return http.send(
          HttpRequest.newBuilder(
                  URI.create(
                      "http://127.0.0.1:%d/storage/v1/object/authenticated/attachments/%s/%s"
                          .formatted(port.getAsInt(), conversation, file.name())))
              .timeout(Duration.ofSeconds(10))
              .header("Authorization", "Bearer " + reader)
              .build(),
          BodyHandlers.ofByteArray());
    } catch (IOException e) {
      return null; // nobody is there, or it was cut
    }
  }

  /**
   * Takes the file back, with its message if it was sent.
   *
   * @param message null when it was not sent
   */
  private void remove(Uploader.Stored file, @Nullable UUID message, BooleanSupplier patience)
      throws InterruptedException {
    seen.acknowledged.remove(file.name()); // from here on it may be there or not
    again(
        patience,
        "removed",
        file,
        tx -> {
          if (message == null) {
            Routines.removeFiles(tx.configuration(), conversation, new String[] {file.name()});
          } else {
            Routines.deleteMessage(tx.configuration(), message);
          }
        });
    seen.removed.add(file.name());
  }

  private void again(
      BooleanSupplier patience, String what, Uploader.Stored file, Consumer<DSLContext> work)
      throws InterruptedException {
    while (patience.getAsBoolean()) {
      try {
        chat.<@Nullable Void>as(
            person,
            tx -> {
              work.accept(tx);
              return null;
            });
        return;
      } catch (DatabaseUnavailable e) {
        Thread.sleep(random.nextLong(20, 200)); // it is done again later
      } catch (Refusal e) {
        if (e.getMessage() != null && e.code().startsWith("PT")) {
          seen.complaints.add("%s was not %s: %s".formatted(file.name(), what, e.getMessage()));
          return;
        }
        Thread.sleep(random.nextLong(5, 50)); // the database stops or recovers
      }
    }
    seen.complaints.add(file.name() + " was never " + what);
  }
}
