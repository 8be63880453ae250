package com.gptdesk.chat.rules;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.gptdesk.chat.database.Refusal;
import com.gptdesk.chat.testing.Person;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.Statement;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.UUID;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.postgresql.util.PSQLException;

/**
 * A program recognises a refusal by the code in its details. {@code docs/api.md} has one table of
 * codes for users, and one for operators and the service.
 */
class ReasonCodesTest extends Rules {

  private static final Path DOCUMENT = Path.of("docs/api.md");
  private static final Pattern ROW =
      Pattern.compile("(?m)^\\| (`[a-z_]+`(?:, `[a-z_]+`)*) \\| (PT\\d{3}|40001) \\| \\S.* \\|$");
  private static final Pattern WORD = Pattern.compile("`([a-z_]+)`");

  /** A refusal to its semicolon; one in a text does not end it. */
  private static final Pattern RAISE =
      Pattern.compile("raise (?:exception )?sqlstate '(\\w{5})'((?:[^;']|'(?:[^']|'')*')*);");

  private static final Pattern DETAIL =
      Pattern.compile("(?s)\\bdetail = (.*?)(?:,\\s+hint = .*)?$");
  private static final Pattern CODE =
      Pattern.compile("(?:^|\\bthen |\\belse )'([a-z]+(?:_[a-z]+)*)'");

  private final UUID conversation = alice.talksTo(bob);
  private final Set<String> met = new TreeSet<>();

  @Test
  void everyRefusalOfAFunctionHasADocumentedCode() {
    Map<String, String> raised = new TreeMap<>();
    query(
        "select p.oid::regprocedure::text, p.prosrc from pg_proc p"
            + " where p.pronamespace::regnamespace::text in ('public', 'chat', 'relay')"
            + " and p.prosrc ~ '\\yraise\\y'",
        row -> {
          String function = row.getString(1);
          for (MatchResult raise : RAISE.matcher(row.getString(2)).results().toList()) {
            for (String code : codes(function, raise.group(2))) {
              String other = raised.put(code, raise.group(1));
              assertTrue(
                  other == null || other.equals(raise.group(1)), code + " has two SQLSTATEs");
            }
          }
        });
    Map<String, String> documented = documented(false);
    documented.putAll(documented(true));
    assertEquals(documented, raised);
    assertEquals(
        "0",
        database.ownerReads(
            "select count(*) from pg_proc p where p.pronamespace::regnamespace::text in ('public', 'chat', 'relay')"
                + " and p.prosrc ~* 'raise (exception|''|using)'"),
        "a refusal says its SQLSTATE");
  }

  private Set<String> codes(String function, String using) {
    Set<String> codes = new TreeSet<>();
    DETAIL
        .matcher(using)
        .results()
        .flatMap(detail -> CODE.matcher(detail.group(1)).results())
        .forEach(code -> codes.add(code.group(1)));
    if (function.startsWith("chat.require_reachable(")) {
      CODE.matcher(
              database.ownerReads(
                  "select prosrc from pg_proc where oid = 'chat.unreachable_reason'::regproc"))
          .results()
          .forEach(code -> codes.add(code.group(1)));
    }
    assertTrue(!codes.isEmpty(), () -> function + " refuses without a code: " + using);
    return codes;
  }

  @Test
  void aUserMeetsEachCode() throws Exception {
    UUID message = alice.sends(conversation, "hi").getId();
    UUID taken = alice.sends(conversation, "taken back").getId();
    alice.deletes(taken);

    meets("inactive", ivan, "select public.get_conversations()");
    meets("page_size", alice, "select public.get_conversations(page_size => 0)");
    meets("page_bounds", alice, "select public.get_messages('%s', 5, 5)".formatted(conversation));
    meets(
        "page_bounds",
        alice,
        "select public.get_conversations(before_id => '%s')".formatted(taken));
    meets("missing", alice, "select public.get_changes('%s', null)".formatted(conversation));
    meets("missing", alice, "select public.set_archived('%s', null)".formatted(conversation));
    meets("empty", alice, "select public.send_message('%s', ' ')".formatted(conversation));
    meets(
        "too_long",
        alice,
        "select public.send_message('%s', repeat('x', 1001))".formatted(conversation));
    meets("too_long", alice, "select public.search_messages(repeat('x ', 1000))");
    meets("no_word", alice, "select public.search_messages('!')");
    meets("status", alice, "select public.update_presence('asleep')");
    meets("message_list", alice, "select public.mark_as_read(null)");
    meets("yourself", alice, "select public.block_user('%s')".formatted(alice.id()));
    meets(
        "yourself",
        alice,
        "select public.get_or_create_conversation('%1$s', '%1$s')".formatted(alice.id()));
    meets(
        "not_yours",
        alice,
        "select public.get_or_create_conversation('%s', '%s')".formatted(bob.id(), carol.id()));
    meets(
        "not_yours",
        alice,
        "insert into public.user_messages (conversation_id, sender_id, content) values ('%s', '%s', 'hi')"
            .formatted(conversation, bob.id()));
    meets(
        "nobody",
        alice,
        "select public.get_or_create_conversation('%s', '%s')".formatted(alice.id(), mallory.id()));
    meets("nobody", alice, "select public.block_user('%s')".formatted(mallory.id()));
    meets(
        "no_conversation", carol, "select public.send_message('%s', 'hi')".formatted(conversation));
    meets(
        "no_conversation",
        carol,
        "select public.mark_conversation_as_read('%s')".formatted(conversation));
    meets(
        "no_conversation", carol, "select public.set_archived('%s', true)".formatted(conversation));
    meets("no_conversation", carol, "select public.update_typing_status('%s')".formatted(bob.id()));
    meets("no_message", bob, "select public.edit_message('%s', 'hello')".formatted(message));
    meets("no_message", carol, "select public.add_reaction('%s', '👍')".formatted(message));
    meets("deleted", alice, "select public.edit_message('%s', 'hello')".formatted(taken));
    meets("deleted", bob, "select public.add_reaction('%s', '👍')".formatted(taken));
    meets("reaction", bob, "select public.add_reaction('%s', 'a b')".formatted(message));

    database.asOwner("update chat.settings set max_reactions = 1");
    bob.reacts(message, "👍");
    meets("too_many_reactions", bob, "select public.add_reaction('%s', '👎')".formatted(message));

    String withId = "select public.send_message('%s', 'hi', id => '%s')";
    meets("id_nil", alice, withId.formatted(conversation, new UUID(0, 0)));
    meets("id_taken", bob, withId.formatted(conversation, message));

    meetsFileCodes();
    meetsPushCodes();

    String send = "select public.send_message('%s', 'hello')".formatted(conversation);
    bob.blocks(alice.id());
    meets("blocked", alice, send);
    meets("blocking", bob, send);
    bob.unblocks(alice.id());
    database.asOwner("update public.users set team_id = null where id = '%s'".formatted(bob.id()));
    meets("apart", alice, send);
    database.asOwner(
        "update public.users set status = 'inactive' where id = '%s'".formatted(bob.id()));
    meets("gone", alice, send);

    meetsOldSnapshot();
    meetsLostRace();
    meetsHold();
    database.asOwner("update chat.settings set claims_secret = repeat('s', 32)");
    meets("unsigned", alice, "select public.get_conversations()");

    assertEquals(documented(true).keySet(), met);
  }

  /** The page has sentences for codes, and looks for codes, that a user may meet. */
  @Test
  void thePageKnowsNoOtherCodes() throws IOException {
    Set<String> known = new TreeSet<>();
    try (Stream<Path> files = Files.walk(Path.of("src/main/web/src"))) {
      for (Path file : files.filter(f -> f.toString().matches(".*\\.tsx?")).toList()) {
        String source = Files.readString(file);
        Pattern use =
            Pattern.compile(
                file.endsWith("texts/en.ts")
                    ? "(?m)^    ([a-z_]+): \\["
                    : "\\breason === '([a-z_]+)'");
        use.matcher(source).results().forEach(found -> known.add(found.group(1)));
      }
    }
    assertTrue(known.containsAll(Set.of("blocking", "gone", "no_word")), known.toString());
    known.removeAll(documented(true).keySet());
    known.removeAll(ofTheService());
    assertEquals(Set.of(), known);
  }

  /** In its own words, in one catalogue; or it says there why the page never meets the code. */
  @Test
  void thePageHasASentenceForEachCodeOrAReasonWhyNot() throws IOException {
    Path page = Path.of("src/main/web/src");
    Set<String> told =
        found(
            "(?m)^    ([a-z_]+): \\[\\s*'[A-Z][^']+\\.'",
            Files.readString(page.resolve("texts/en.ts")));
    Set<String> neverMet =
        found(
            "(?m)^  ([a-z_]+):\\s+'[a-z][^']+'", Files.readString(page.resolve("lib/refusals.ts")));
    Set<String> both = new TreeSet<>(told);
    both.retainAll(neverMet);
    assertEquals(Set.of(), both);
    Set<String> all = new TreeSet<>(told);
    all.addAll(neverMet);
    Set<String> documented = new TreeSet<>(documented(true).keySet());
    documented.addAll(ofTheService());
    assertEquals(documented, all);
  }

  private static Set<String> found(String pattern, String text) {
    Set<String> found = new TreeSet<>();
    Pattern.compile(pattern).matcher(text).results().forEach(one -> found.add(one.group(1)));
    return found;
  }

  private void meets(String code, Person person, String sql) {
    String state = Objects.requireNonNull(documented(true).get(code), code);
    Refusal refusal = person.isRefused(() -> person.tries(tx -> tx.execute(sql)), state);
    assertEquals(code, refusal.details(), sql);
    met.add(code);
  }

  /** A transaction of the caller's own. */
  private void meetsOldSnapshot() throws Exception {
    try (Connection connection = database.service().connect();
        Statement statement = connection.createStatement()) {
      statement.execute("begin isolation level repeatable read");
      statement.execute("set local role authenticated");
      statement.execute(
          "select set_config('request.jwt.claims', '%s', true)".formatted(alice.caller().claims()));
      PSQLException no =
          assertThrows(
              PSQLException.class,
              () -> statement.execute("select public.update_presence('busy')"));
      assertEquals("PT412", no.getSQLState());
      assertEquals("old_snapshot", Objects.requireNonNull(no.getServerErrorMessage()).getDetail());
      met.add("old_snapshot");
    }
  }

  /** Somebody's row, which was in the way of the insert, is gone by the next statement. */
  private void meetsLostRace() {
    database.asOwner(
        """
        create function public.in_the_way() returns trigger language plpgsql as 'begin return null; end';
        create trigger in_the_way before insert on public.user_conversations for each row execute function public.in_the_way();
        """);
    try {
      meets(
          "lost_race",
          alice,
          "select public.get_or_create_conversation('%s', '%s')".formatted(alice.id(), carol.id()));
    } finally {
      database.asOwner("drop function public.in_the_way() cascade");
    }
  }

  private void meetsFileCodes() {
    String begin = "select public.begin_upload('%s', %s)";
    String move = "select public.move_file('%s', 'a.txt', 'b.txt')".formatted(conversation);
    meets("no_file", alice, move);
    meets("file_path", alice, begin.formatted(conversation, "'a/../b'"));
    meets("file_size", alice, begin.formatted(conversation, "'b.txt', -1"));
    meets("file_metadata", alice, begin.formatted(conversation, "'b.txt', metadata => '7'"));
    meets("file_too_large", alice, begin.formatted(conversation, "'b.txt', 104857601"));
    meets("sort", alice, "select public.list_files(sort_by => 'colour')");
    fileOfAlice(conversation, "a.txt", "stored");
    meets("file_exists", bob, begin.formatted(conversation, "'a.txt', upsert => true"));
    alice.tries(
        tx ->
            tx.execute(
                "select public.send_message('%1$s', '', 'file', file_url => '%1$s/a.txt')"
                    .formatted(conversation)));
    meets("file_sent", alice, move);
    database.asOwner("update chat.settings set max_file_bytes_a_day = 10");
    meets("bytes_a_day", alice, begin.formatted(conversation, "'b.txt', 11"));
    database.asOwner("update chat.settings set max_files_a_day = 1");
    alice.tries(tx -> tx.execute(begin.formatted(conversation, "'b.txt', 10")));
    meets("files_a_day", alice, begin.formatted(conversation, "'c.txt'"));
  }

  private void meetsPushCodes() {
    String add =
        "select public.add_push_subscription('https://%s', concat('B', repeat('A', 86)), repeat('A', %d))";
    meets("push_off", alice, add.formatted("push.example/a", 22));
    database.asOwner(
        "update chat.settings set push_public_key = repeat('k', 87), push_hosts = '{push.example}'");
    meets("push_host", alice, add.formatted("push.example.org/a", 22));
    meets("push_endpoint", alice, add.formatted("push.example/" + "a".repeat(1000), 22));
    meets("push_keys", alice, add.formatted("push.example/a", 21));
    alice.does(tx -> tx.execute(add.formatted("push.example/a", 22)));
    meets(
        "push_taken",
        bob,
        add.replace("'B'", "'BB'").replace("86", "85").formatted("push.example/a", 22));
    database.asOwner("update chat.settings set max_push_subscriptions = 1");
    meets("push_devices", alice, add.formatted("push.example/b", 22));
  }

  private void meetsHold() {
    database.asOwner(
        "select chat.place_hold('case 17', conversation_id => '%s')".formatted(conversation));
    try {
      meets(
          "held",
          gptDesk,
          "delete from public.user_conversations where id = '%s'".formatted(conversation));
    } finally {
      database.asOwner(
          "select chat.release_hold(h.id) from chat.legal_holds h where h.released_at is null");
    }
  }

  /** Codes that the service adds for files; ScannedUploadsTest meets them. */
  private static Set<String> ofTheService() throws IOException {
    String document = Files.readString(DOCUMENT);
    int begin = document.indexOf("\nThe service adds reason codes");
    int end = document.indexOf("\nThe service adds its own codes", begin);
    assertTrue(0 < begin && begin < end, "docs/api.md has a table of the service's codes");
    Set<String> codes = found("(?m)^\\| `([a-z_]+)` \\| \\d{3}", document.substring(begin, end));
    assertTrue(!codes.isEmpty(), "the table has codes");
    return codes;
  }

  /** The SQLSTATE of each code, in the table for users or in the other. */
  private static Map<String, String> documented(boolean forUsers) {
    String document;
    try {
      document = Files.readString(DOCUMENT);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    int begin = document.indexOf("### Reason codes");
    int middle = document.indexOf("\nThose that operators", begin);
    int end = document.indexOf("\nThe service adds", middle);
    assertTrue(0 < begin && begin < middle && middle < end, "docs/api.md has two tables of codes");
    Map<String, String> codes = new TreeMap<>();
    ROW.matcher(forUsers ? document.substring(begin, middle) : document.substring(middle, end))
        .results()
        .forEach(
            row ->
                WORD.matcher(row.group(1))
                    .results()
                    .forEach(word -> codes.put(word.group(1), row.group(2))));
    return codes;
  }
}
