package com.gptdesk.chat.rules;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.gptdesk.chat.database.Refusal;
import com.gptdesk.chat.jooq.Routines;
import com.gptdesk.chat.jooq.udt.records.MessageViewRecord;
import com.gptdesk.chat.service.database.ServiceDatabase;
import com.gptdesk.chat.testing.Person;
import com.gptdesk.chat.testing.TestDatabase;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.List;
import java.util.UUID;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/**
 * {@code logic/files}: who uploads, sees, sends and removes a file, and that no object stays
 * without a row.
 */
class FilesRulesTest extends MessageRules {

  private static final String HAND =
      """
      Alice    42501
      Bob      42501
      Mallory  42501
      Ivan     42501
      Anon     42501
      Service  42501
      Relay    42501
      """;

  // Who may.

  @Test
  void bothSeeWhatIsStoredAndTheUploaderWhatIsOnItsWay() {
    store(alice, "a.txt");
    begin(alice, "b.txt", null);
    everybody(
        "select * from public.chat_files",
        """
        Alice    2
        Bob      1
        Carol    0
        Mallory  0
        Ivan     0
        Stranger 0
        No one   0
        Forger   0
        Garbled  22P02
        Anon     42501
        Service  2
        Relay    42501
        """);
    apart();
    assertEquals("1", asks(bob, "select count(*) from public.chat_files"), "reads stay");
  }

  @Test
  void nobodyWritesThemByHand() {
    store(alice, "a.txt");
    everybody(
        "insert into public.chat_files (conversation_id, name, uploader_id, recipient_id) values ('%s', 'x', '%s', '%s')"
            .formatted(conversation, alice.id(), bob.id()),
        HAND);
    everybody("update public.chat_files set name = 'x'", HAND);
    everybody("delete from public.chat_files", HAND);
    for (String table : List.of("upload_counts", "file_removals")) {
      everybody("select * from chat." + table, HAND);
    }
  }

  @Test
  void whoMayWriteUploads() {
    everybody(
        "select public.begin_upload('%s', 'a.txt')".formatted(conversation),
        """
        Alice    1
        Bob      1
        Carol    PT403
        Mallory  PT403
        Ivan     PT403
        Stranger PT403
        No one   PT403
        Forger   PT403
        Garbled  22P02
        Anon     42501
        Service  42501
        Relay    42501
        """);
    bob.blocks(alice.id());
    assertEquals("blocked", begins(alice, "a.txt"));
    assertEquals("blocking", begins(bob, "a.txt"));
    bob.unblocks(alice.id());
    apart();
    assertEquals("apart", begins(alice, "a.txt"));
  }

  @Test
  void aRightThatEndsDuringTheUploadEndsIt() {
    UUID upload = begin(alice, "a.txt", 1L);
    bob.blocks(alice.id());
    assertEquals("blocked", refused(() -> finish(upload, "1")));
    bob.unblocks(alice.id());
    finish(upload, "1"); // the control
  }

  @Test
  void theFirstBytesOfAnUploadAreItsBytes() {
    UUID upload = begin(alice, "a.txt", 1L);
    claim(upload, "1");
    claim(upload, "1");
    assertEquals("upload_claimed", refused(() -> claim(upload, "2")));
    assertEquals("upload_claimed", refused(() -> finish(upload, "2")));
    finish(upload, "1");
    claim(upload, "1"); // it is put once more
    assertEquals("upload_claimed", refused(() -> claim(upload, "2")), "also when it is stored");
    UUID gone = begin(alice, "b.txt", 1L);
    abandon(gone);
    assertEquals("upload_claimed", refused(() -> claim(gone, "1")));
  }

  @Test
  void whatWaitsIsCounted() {
    UUID upload = begin(alice, "a.txt", 1L);
    assertEquals("0 1", figures());
    abandon(upload);
    assertEquals("1 0", figures());
    done(upload);
    assertEquals("0 0", figures());
  }

  private String figures() {
    return relay("select removals_waiting || ' ' || uploads_open from chat.file_figures()");
  }

  @Test
  void onlyTheRelayFinishesTakesAndSweeps() {
    UUID upload = begin(alice, "a.txt", 1L);
    String relay = "Alice    42501\nMallory  42501\nAnon     42501\nService  42501\nRelay    ";
    everybody("select chat.claim_upload('%s', sha256('1'))".formatted(upload), relay + "1");
    everybody(
        "select chat.finish_upload('%s', 1, sha256('1'), 'text/plain')".formatted(upload),
        relay + "1");
    everybody("select chat.abandon_upload('%s')".formatted(upload), relay + "1");
    everybody("select chat.take_file_removals()", relay + "0");
    everybody("select chat.finish_file_removals('{}')", relay + "1");
    everybody("select chat.sweep_files()", relay + "1");
    everybody("select removals_waiting from chat.file_figures()", relay + "1");
  }

  // What is refused.

  @Test
  void aPathStaysInItsFolder() {
    for (String path :
        List.of(
            "",
            "/",
            "/a",
            "a/",
            "a//b",
            ".",
            "..",
            "../a",
            "a/../b",
            "a/.",
            "a\\b",
            " a",
            "a ",
            "a/ b",
            "a\u0007b",
            "a\u202Eb",
            "a\u200E",
            "\u200B",
            "a\nb",
            "x".repeat(256))) {
      assertEquals("file_path", begins(alice, path), path);
    }
    for (String path : List.of("a", "a/b/c.txt", "...", "..a", "Übersicht 1.pdf", "报告.pdf", "👍")) {
      begin(alice, path, null);
    }
    assertEquals("file_path", begins(alice, "x/".repeat(512) + "x"));
  }

  @Test
  void aNameIsTakenOnce() {
    UUID first = store(alice, "a.txt");
    assertEquals("file_exists", begins(alice, "a.txt"));
    assertEquals("file_exists", begins(bob, "a.txt"));
    assertEquals("file_exists", refused(() -> upsert(bob, "a.txt")));

    UUID second = upsert(alice, "a.txt");
    assertEquals(first, stored("a.txt"), "until it is stored");
    finish(second, "2");
    assertEquals(second, stored("a.txt"));
    assertEquals(List.of(first.toString()), queued());

    // Who began before the name was taken.
    UUID early = begin(bob, "b.txt", null);
    store(alice, "b.txt");
    assertEquals("file_exists", refused(() -> finish(early, "1")));
    abandon(early);
    assertTrue(queued().contains(early.toString()));
  }

  @Test
  void whatWasSentStaysAsItIs() {
    store(alice, "a.txt");
    sendFile(alice, "a.txt");
    UUID early = UUID.fromString(database.ownerReads("select chat.uuid7()"));
    assertEquals("file_sent", refused(() -> upsert(alice, "a.txt")));
    assertEquals("file_sent", refused(() -> move(alice, "a.txt", "b.txt")));
    assertEquals("file_sent", refused(() -> sendFile(alice, "a.txt")));
    assertEquals("no_file", refused(() -> finish(early, "1")));
    assertInvariantsHold();
  }

  @Test
  void eachLimitIsASetting() {
    database.asOwner(
        "update chat.settings set max_file_bytes = 5, max_files_a_day = 3, max_file_bytes_a_day ="
            + " 12");
    assertEquals("file_too_large", refused(() -> begin(alice, "a", 6L)));
    UUID unknown = begin(alice, "a", null);
    assertEquals("file_too_large", refused(() -> finish(unknown, "123456")));
    finish(unknown, "12345");
    begin(alice, "b", 5L);
    assertEquals("bytes_a_day", refused(() -> begin(alice, "c", 3L)));
    UUID last = begin(alice, "c", 2L);
    assertEquals("bytes_a_day", refused(() -> finish(last, "123")));
    finish(last, "1");
    assertEquals(
        "3 11", database.ownerReads("select files || ' ' || bytes from chat.upload_counts"));
    assertEquals("files_a_day", begins(alice, "d"));
    begin(bob, "d", 5L); // another person's day is their own
    database.asOwner("update chat.upload_counts set day = day - 1");
    begin(alice, "d", 5L);
  }

  @Test
  void theContentsTypeIsAskedForWhenItIsKnown() {
    database.asOwner("update chat.settings set file_types = '{image/*,application/pdf}'");
    for (String type : List.of("image/png", "application/pdf")) {
      finish(begin(alice, type, null), "1", type);
    }
    for (String type : List.of("text/html", "application/pdfx", "imagex/png", "image")) {
      UUID upload = begin(alice, type, null);
      assertEquals("file_type", refused(() -> finish(upload, "1", type)), type);
    }
  }

  @Test
  void anUploadIsFinishedOnce() {
    UUID upload = begin(alice, "a.txt", 1L);
    finish(upload, "1");
    finish(upload, "1"); // the answer was lost
    assertEquals("no_file", refused(() -> finish(upload, "2")));
    abandon(upload);
    assertEquals(upload, stored("a.txt"), "what is stored is not given up");
    assertEquals(List.of(), queued());
  }

  // List, move and remove.

  @Test
  void aFolderIsListed() {
    for (String name : List.of("b.txt", "a.txt", "sub/c.txt", "sub/deep/d.txt", "Sub2/e.txt")) {
      store(alice, name);
    }
    begin(alice, "on its way.txt", null);
    assertEquals("Sub2/ a.txt b.txt sub/", list(bob, conversation + "/", ""));
    assertEquals("c.txt deep/", list(bob, conversation + "/sub", ""));
    assertEquals("d.txt", list(bob, conversation + "/sub/deep/", ""));
    assertEquals("Sub2/ sub/", list(bob, conversation.toString(), "SUB"));
    assertEquals(conversation + "/", list(bob, "", ""));
    assertEquals("", list(bob, "nowhere", ""));
    assertEquals("", list(bob, NOBODY + "/sub", ""));
    assertEquals("", list(carol, conversation.toString(), ""));
    assertEquals("", list(carol, "", ""));
    assertEquals(
        "b.txt a.txt",
        asks(
            bob,
            "select string_agg(name, ' ') from public.list_files('%s', '.TXT', sort_by => 'created_at')"
                .formatted(conversation)));
    assertEquals(
        "a.txt",
        asks(
            bob,
            "select string_agg(name, ' ') from public.list_files('%s', page_size => 1, page_offset => 2, descending => true)"
                .formatted(conversation)));
    bob.isRefused(() -> asks(bob, "select public.list_files('', page_size => 201)::text"), "PT400");
  }

  @Test
  void whoUploadedItMovesIt() {
    UUID file = store(alice, "a.txt");
    store(alice, "b.txt");
    assertEquals("no_file", refused(() -> move(bob, "a.txt", "c.txt")));
    assertEquals("no_conversation", refused(() -> move(carol, "a.txt", "c.txt")));
    assertEquals("file_exists", refused(() -> move(alice, "a.txt", "b.txt")));
    assertEquals("file_path", refused(() -> move(alice, "a.txt", "../c.txt")));
    move(alice, "a.txt", "a.txt");
    move(alice, "a.txt", "c/d.txt");
    assertEquals(file, stored("c/d.txt"));
    assertEquals(List.of(), queued(), "the object stays where it is");
  }

  @Test
  void whoUploadedItRemovesIt() {
    UUID file = store(alice, "a.txt");
    store(bob, "b.txt");
    assertEquals(List.of(), remove(bob, "a.txt"));
    assertEquals(List.of(), remove(carol, "a.txt"));
    ivan.isRefused(() -> remove(ivan, "a.txt"), "PT403");
    apart();
    assertEquals(List.of("a.txt"), remove(alice, "a.txt", "b.txt", "c.txt"));
    assertEquals(List.of(file.toString()), queued());
    assertEquals("b.txt", list(bob, conversation.toString(), ""));
  }

  @Test
  void whatWasSentGoesWithItsMessageAlone() {
    UUID file = store(alice, "a.txt");
    UUID message = sendFile(alice, "a.txt").getId();
    assertEquals(List.of(), remove(alice, "a.txt"));
    assertEquals(file, stored("a.txt"), "another may not take its place under that message");
    alice.deletes(message);
    assertEquals(List.of(file.toString()), queued());
  }

  // Messages.

  @Test
  void aMessageSaysWhatTheFileIs() {
    UUID image = begin(alice, "2b6f/holiday.png", null);
    finish(image, "12345", "image/png", "{\"width\":640,\"height\":480,\"id\":\"forged\"}");
    MessageViewRecord message =
        send(
            alice,
            m -> {
              m.setContent("");
              m.setMessageType("image");
              m.setFileUrl(conversation + "/2b6f/holiday.png");
              m.setFileName("forged.exe");
              m.setFileSize(1L);
              m.setMetadata(org.jooq.JSONB.valueOf("{\"file\":{\"width\":1},\"mine\":true}"));
            });
    assertEquals("image", message.getMessageType());
    assertEquals(conversation + "/2b6f/holiday.png", message.getFileUrl());
    assertEquals("holiday.png", message.getFileName());
    assertEquals(5, message.getFileSize());
    assertEquals(
        json(
            "{\"mine\":true,\"file\":{\"id\":\"%s\",\"content_type\":\"image/png\",\"width\":640,\"height\":480}}"
                .formatted(image)),
        json(message.getMetadata()));
    assertEquals(
        message.getId().toString(),
        database.ownerReads("select message_id from public.chat_files"));

    store(alice, "text.png");
    assertEquals("file", sendFile(alice, "text.png").getMessageType(), "it is no image");
    assertInvariantsHold();
  }

  @Test
  void onlyAFileOfOnesOwnOfThisConversationIsSent() {
    UUID elsewhere = alice.talksTo(carol);
    UUID others =
        alice.does(
            tx ->
                Routines.beginUpload(
                        tx.configuration(), elsewhere, "a.txt", null, null, null, false)
                    .getId());
    finish(others, "1");
    begin(alice, "on its way.txt", null);
    store(bob, "bobs.txt");
    assertEquals("no_file", refused(() -> sendPath(alice, elsewhere + "/a.txt")));
    assertEquals("no_file", refused(() -> sendFile(alice, "on its way.txt")));
    assertEquals("no_file", refused(() -> sendFile(alice, "bobs.txt")));
    assertEquals("no_file", refused(() -> sendFile(alice, "nothing.txt")));
    alice.isRefused(() -> sendPath(alice, "bobs.txt"), "23514");
    alice.isRefused(
        () ->
            send(
                alice,
                m -> {
                  m.setMessageType("text");
                  m.setFileUrl(conversation + "/bobs.txt");
                }),
        "23514");
    assertEquals("no_file", refused(() -> sendPath(alice, "\u200E" + conversation + "/bobs.txt")));
    sendFile(bob, "bobs.txt"); // the control
  }

  @Test
  void anAddressElsewhereIsAsItWas() {
    MessageViewRecord message = file("file", "https://files.example/f", "f.txt", 7L);
    assertEquals("https://files.example/f", message.getFileUrl());
    assertEquals("f.txt", message.getFileName());
    assertEquals("{}", message.getMetadata().data());
  }

  @Test
  void aRetryFindsTheMessageAndABatchLeavesTheFileToIt() {
    store(alice, "a.txt");
    UUID id = UUID.fromString(database.ownerReads("select chat.uuid7()"));
    String call =
        "{\"id\":\"%1$s\",\"conversation_id\":\"%2$s\",\"content\":\"\",\"message_type\":\"file\",\"file_url\":\"\u200E%2$s/a.txt\"}"
            .formatted(id, conversation);
    List<@Nullable String> answers =
        database.chat().sendTogether(List.of(alice.caller()), List.of(call));
    assertNull(answers.getFirst());
    for (int tries = 0; tries < 2; tries++) {
      MessageViewRecord message =
          send(
              alice,
              m -> {
                m.setId(id);
                m.setMessageType("file");
                m.setFileUrl(conversation + "/a.txt");
              });
      assertEquals(id, message.getId());
    }
  }

  // Whatever ends, the object is removed.

  @Test
  void aMessageTakesItsFileAlong() {
    UUID file = store(alice, "a.txt");
    UUID message = sendFile(alice, "a.txt").getId();
    assertEquals(List.of(), queued());
    alice.deletes(message);
    assertEquals(List.of(file.toString()), queued());

    UUID second = store(alice, "b.txt");
    UUID sent = sendFile(alice, "b.txt").getId();
    database.asOwner("delete from public.user_messages where id = '%s'".formatted(sent));
    assertTrue(queued().contains(second.toString()));
  }

  @Test
  void aTransactionThatFailsQueuesNothing() throws SQLException {
    store(alice, "a.txt");
    try (Connection connection = database.owner().connect();
        Statement statement = connection.createStatement()) {
      connection.setAutoCommit(false);
      statement.execute("delete from public.user_conversations");
      connection.rollback();
    }
    assertEquals(List.of(), queued());
  }

  @Test
  void aConversationAPersonAndATableTakeTheirFilesAlong() {
    for (String end :
        List.of(
            "delete from public.user_conversations where id = '%s'".formatted(conversation),
            "delete from public.user_messages",
            "delete from public.users where id = '%s'".formatted(alice.id()),
            "truncate public.user_conversations cascade")) {
      database.asOwner(
          """
          delete from chat.file_removals;
          insert into public.users (id, full_name, email, team_id)
          values ('%2$s', 'Alice Adams', 'alice@example.org', '%4$s') on conflict do nothing;
          insert into public.user_conversations (id, participant_1_id, participant_2_id, created_by)
          values ('%1$s', '%2$s', '%3$s', '%2$s') on conflict do nothing
          """
              .formatted(conversation, alice.id(), bob.id(), TestDatabase.BLUE));
      UUID file = store(alice, "a.txt");
      sendFile(alice, "a.txt");
      database.asOwner(end);
      assertEquals(List.of(file.toString()), queued(), end);
    }
  }

  @Test
  void anErasedPersonsFilesGoAndTheOthersStay() throws SQLException {
    UUID sent = store(alice, "a.txt");
    sendFile(alice, "a.txt");
    UUID unsent = store(alice, "b.txt");
    UUID bobs = store(bob, "c.txt");
    database.asOwner(
        "update public.users set status = 'inactive' where id = '%s'".formatted(alice.id()));
    try (Connection connection = database.owner().connect();
        Statement statement = connection.createStatement()) {
      statement.execute("call chat.erase_person('%s')".formatted(alice.id()));
    }
    assertEquals(List.of(sent.toString(), unsent.toString()), queued());
    assertEquals(bobs, stored("c.txt"));
    assertEquals(
        "1", database.ownerReads("select count(*) from chat.upload_counts"), "Bob's alone");
  }

  @Test
  void anExportNamesTheFilesOfAPerson() {
    store(alice, "a.txt");
    store(bob, "b.txt");
    assertEquals(
        List.of("a.txt"),
        column(
            "select data ->> 'name' from chat.export_person_rows('%s') where section = 'files'"
                .formatted(alice.id())));
  }

  @Test
  void underLegalHoldTheFileIsKeptAndNobodySeesIt() {
    UUID sent = store(alice, "a.txt");
    UUID message = sendFile(alice, "a.txt").getId();
    store(alice, "b.txt");
    UUID unfinished = begin(alice, "c.txt", null);
    database.asOwner(
        "select chat.place_hold('case 17', conversation_id => '%s')".formatted(conversation));
    alice.deletes(message);
    assertEquals(List.of("b.txt"), remove(alice, "b.txt"), "its uploader notices nothing");
    abandon(unfinished);
    assertEquals(List.of(unfinished.toString()), queued());
    assertEquals(
        "held held", database.ownerReads("select string_agg(state, ' ') from public.chat_files"));
    assertEquals("0", asks(alice, "select count(*) from public.chat_files"));
    assertEquals(
        "PT409",
        assertThrows(
                org.jooq.exception.DataAccessException.class,
                () -> ownerRuns("truncate public.chat_files"))
            .sqlState());
    ownerRuns("delete from public.chat_files"); // stays
    store(alice, "b.txt"); // the name is free

    database.asOwner(
        "select chat.release_hold(id) from chat.legal_holds where released_at is null");
    assertEquals(3, queued().size());
    assertTrue(queued().contains(sent.toString()));
  }

  // The queue and the sweep.

  @Test
  void aRemovalIsTakenByOneAtATimeUntilItIsDone() throws SQLException {
    UUID file = store(alice, "a.txt");
    remove(alice, "a.txt");
    try (Connection one = database.owner().connect();
        Statement statement = one.createStatement()) {
      one.setAutoCommit(false);
      statement.execute("select chat.take_file_removals()");
      assertEquals(List.of(), take(), "another has it, and does not wait");
      one.rollback(); // a crash
    }
    assertEquals(List.of(file), take());
    assertEquals(List.of(), take(), "leased");
    database.asOwner("update chat.file_removals set due_at = due_at - interval '5 minutes'");
    assertEquals(List.of(file), take(), "nobody said that it is done");
    assertEquals("2", database.ownerReads("select tries from chat.file_removals"));
    assertEquals(1L, done(file));
    assertEquals(0L, done(file));
    assertEquals(List.of(), queued());
  }

  @Test
  void anUploadThatMayStillWriteIsRemovedLater() {
    UUID upload = begin(alice, "a.txt", null);
    database.asOwner("delete from public.user_conversations");
    assertEquals(List.of(upload.toString()), queued());
    assertEquals(List.of(), take());
    assertEquals("no_file", refused(() -> finish(upload, "1")));
    abandon(upload);
    assertEquals(List.of(upload), take(), "the service says that it has stopped");
  }

  @Test
  void whatWasNotFinishedOrNotSentIsSwept() {
    UUID unfinished = begin(alice, "a.txt", null);
    UUID unsent = store(alice, "b.txt");
    UUID sent = store(alice, "c.txt");
    sendFile(alice, "c.txt");
    assertEquals(0L, sweep());
    database.asOwner(
        "update public.chat_files set updated_at = now() - interval '25 hours'; update"
            + " chat.upload_counts set day = day - 2");
    database.asOwner("update chat.settings set unfinished_upload_hours = 26");
    assertEquals(1L, sweep());
    assertEquals(List.of(unsent.toString()), queued());
    database.asOwner("update chat.settings set unfinished_upload_hours = default");
    assertEquals(1L, sweep());
    assertEquals(0L, sweep());
    assertEquals(List.of(unfinished.toString(), unsent.toString()), queued());
    assertEquals(sent, stored("c.txt"));
    assertEquals("0", database.ownerReads("select count(*) from chat.upload_counts"));
  }

  @Test
  void argumentsOutOfRangeAreRefused() {
    assertFalse(queued().contains("nothing"));
    for (String call :
        List.of(
            "chat.take_file_removals(interval '0')",
            "chat.take_file_removals(null)",
            "chat.take_file_removals(batch_size => 0)",
            "chat.sweep_files(10001)")) {
      assertEquals(
          "PT400",
          assertThrows(
                  Refusal.class,
                  () -> database.chat().as(ServiceDatabase.RELAY, tx -> tx.fetch("select " + call)))
              .code(),
          call);
    }
  }

  // Words for the above.

  private void apart() {
    database.asOwner(
        "update public.users set team_id = null where id = '%s'".formatted(alice.id()));
  }

  private UUID begin(Person person, String name, @Nullable Long size) {
    return person.does(
        tx ->
            Routines.beginUpload(tx.configuration(), conversation, name, size, null, null, false)
                .getId());
  }

  private UUID upsert(Person person, String name) {
    return person.does(
        tx ->
            Routines.beginUpload(tx.configuration(), conversation, name, null, null, null, true)
                .getId());
  }

  private String begins(Person person, String name) {
    return refused(() -> begin(person, name, null));
  }

  private void finish(UUID upload, String content) {
    finish(upload, content, "text/plain");
  }

  private void finish(UUID upload, String content, String type) {
    finish(upload, content, type, "{}");
  }

  private void finish(UUID upload, String content, String type, String details) {
    relay(
        "select chat.finish_upload('%1$s', octet_length('%2$s'), sha256('%2$s'), '%3$s', '%4$s')"
            .formatted(upload, content, type, details));
  }

  private void claim(UUID upload, String content) {
    relay("select chat.claim_upload('%s', sha256('%s'))".formatted(upload, content));
  }

  private void abandon(UUID upload) {
    relay("select chat.abandon_upload('%s')".formatted(upload));
  }

  private List<UUID> take() {
    return database
        .chat()
        .as(
            ServiceDatabase.RELAY,
            tx -> tx.fetch("select chat.take_file_removals()").getValues(0, UUID.class));
  }

  private long done(UUID file) {
    return Long.parseLong(relay("select chat.finish_file_removals('{%s}')".formatted(file)));
  }

  private long sweep() {
    return Long.parseLong(relay("select chat.sweep_files()"));
  }

  private String relay(String call) {
    return database
        .chat()
        .as(ServiceDatabase.RELAY, tx -> String.valueOf(tx.fetchSingle(call).get(0)));
  }

  private UUID store(Person person, String name) {
    UUID upload = begin(person, name, null);
    finish(upload, "1");
    return upload;
  }

  private void move(Person person, String name, String newName) {
    person.tries(tx -> Routines.moveFile(tx.configuration(), conversation, name, newName));
  }

  private List<String> remove(Person person, String... names) {
    return person.does(
        tx ->
            tx.fetch("select name from public.remove_files(?, ?)", conversation, names)
                .getValues(0, String.class));
  }

  private MessageViewRecord sendFile(Person person, String name) {
    return sendPath(person, conversation + "/" + name);
  }

  private MessageViewRecord sendPath(Person person, String path) {
    return send(
        person,
        m -> {
          m.setContent("");
          m.setMessageType("image");
          m.setFileUrl(path);
        });
  }

  /** The names, folders with a slash. */
  private String list(Person person, String folder, String search) {
    return person.does(
        tx ->
            String.join(
                " ",
                tx.fetch(
                        "select name || case when id is null then '/' else '' end from"
                            + " public.list_files(?, ?)",
                        folder,
                        search)
                    .getValues(0, String.class)));
  }

  private UUID stored(String name) {
    return UUID.fromString(
        database.ownerReads(
            "select id from public.chat_files where state = 'stored' and name = '%s'"
                .formatted(name)));
  }

  private List<String> queued() {
    return column("select file_id from chat.file_removals order by file_id");
  }

  private void ownerRuns(String sql) {
    try (Connection connection = database.owner().connect();
        Statement statement = connection.createStatement()) {
      statement.execute(sql);
    } catch (SQLException e) {
      throw new org.jooq.exception.DataAccessException(sql, e);
    }
  }

  /** The reason code. */
  private static String refused(Runnable attempt) {
    return String.valueOf(assertThrows(Refusal.class, attempt::run).details());
  }
}
