package com.gptdesk.chat.bench;

import com.gptdesk.chat.bench.Ground.Pair;
import com.gptdesk.chat.database.Caller;
import com.gptdesk.chat.database.connection.Login;
import com.gptdesk.chat.jooq.Routines;
import com.gptdesk.chat.relay.FanOut;
import com.gptdesk.chat.relay.Relay;
import com.gptdesk.chat.relay.RelaySettings;
import com.gptdesk.chat.service.auth.TokenIssuer;
import com.gptdesk.chat.service.auth.TokenSettings;
import com.gptdesk.chat.service.auth.TokenVerifier;
import com.gptdesk.chat.service.database.ServiceDatabase;
import com.gptdesk.chat.service.http.Reply;
import com.gptdesk.chat.service.rpc.RpcEndpoint;
import com.gptdesk.chat.service.rpc.RpcRequest;
import com.gptdesk.chat.testing.Await;
import com.zaxxer.hikari.HikariConfig;
import com.zaxxer.hikari.HikariDataSource;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;

/**
 * Messages a second, stored: by {@code send_message}, as the service calls it, and as a plain
 * INSERT.
 */
final class SendMessage implements Scenario {
  private static final int MOST_WRITERS = 64;
  private static final int GOAL_WRITERS = 16;
  private static final String SECRET = "the bench's secret, of more than 32 bytes";

  /** The row as send_message writes it, with a number: what numbers messages steps aside. */
  private static final String INSERT =
      "insert into public.user_messages (conversation_id, sender_id, content, recipient_id, seq,"
          + " sent_revision, revision) values (?::uuid, ?::uuid, ?, ?::uuid, 1, 1, 1)";

  private static final String INSERT_TO_NUMBER =
      "insert into public.user_messages (conversation_id, sender_id, content)"
          + " values (?::uuid, ?::uuid, ?)";

  private static final String SEND = "select public.send_message(?::uuid, ?)";

  /** The tutorial's trigger on the same schema: what a browser shall show goes by NOTIFY. */
  static final String PAYLOAD =
      """
      create function public.notify_message() returns trigger
        security definer set search_path = pg_catalog, pg_temp language plpgsql
      as $$
      begin
        perform pg_notify('messages', row_to_json(new)::text);
        return null;
      end
      $$;
      create trigger notify_message after insert on public.user_messages
        for each row execute function public.notify_message();
      """;

  @Override
  public String name() {
    return "send_message";
  }

  @Override
  public void measure(Run run) throws Exception {
    Ground ground = run.ground();
    String plain = ground.copy("bench_plain");
    Ground.execute(ground.owner(plain), withoutTriggers("%"));
    String numbered = ground.copy("bench_numbered");
    Ground.execute(ground.owner(numbered), withoutTriggers("record%"));
    String payload = ground.copy("bench_payload");
    Ground.execute(ground.owner(payload), withoutTriggers("record%") + PAYLOAD);
    String chat = ground.copy("bench_chat");

    try (var sets = new Connections(ground, run.seed());
        var callers = new Callers(ground, chat)) {
      try (Relays relays = new Relays(ground, chat, 1)) {
        relays.awaitHearing();
        List<Integer> counts =
            run.quick() ? List.of(GOAL_WRITERS) : List.of(1, 4, GOAL_WRITERS, MOST_WRITERS);
        for (int writers : counts) {
          List<Result> compared =
              run.compare(
                  writers + (writers == 1 ? " writer" : " writers") + ", one relay",
                  "messages/s",
                  List.of(
                      new Side(
                          "plain INSERT, same indexes, one foreign key",
                          sets.inserting(plain, writers)),
                      new Side("send_message in the database", sets.sending(chat, writers)),
                      new Side("as the service calls it", callers.calling(sets, writers)),
                      new Side(
                          "by ServiceDatabase and the routine", callers.routine(sets, writers)),
                      new Side("as the service batches it", callers.together(sets, writers)),
                      new Side(
                          "send_message, payload NOTIFY for the log",
                          sets.sending(payload, writers))));
          if (writers == GOAL_WRITERS) {
            run.goal(
                Goal.atLeast(
                    "as the service batches it : plain INSERT, 16 writers",
                    compared.get(4).ratio(),
                    1.0));
            run.goal(
                Goal.atLeast(
                    "send_message in the database : plain INSERT, 16 writers",
                    compared.get(1).ratio(),
                    0.5));
            run.goal(
                Goal.atLeast(
                    "as the service calls it : plain INSERT, 16 writers",
                    compared.get(2).ratio(),
                    0.4));
            run.goal(
                Goal.atLeast(
                    "send_message : the same with payload NOTIFY, 16 writers",
                    Result.of("", "", "", compared.get(1).rounds(), compared.get(5).rounds())
                        .ratio(),
                    2.5));
          }
        }
      }
      parts(run, sets, callers, plain, numbered, chat);
      relays(run, sets, chat);
    }
  }

  private static void parts(
      Run run, Connections sets, Callers callers, String plain, String numbered, String chat)
      throws Exception {
    run.compare(
        "Part by part, 16 writers, no relay",
        "messages/s",
        List.of(
            new Side("plain INSERT", sets.inserting(plain, GOAL_WRITERS)),
            new Side("+ checks and numbering", sets.insertingToNumber(numbered, GOAL_WRITERS)),
            new Side("+ change log", sets.insertingToNumber(chat, GOAL_WRITERS)),
            new Side("+ row-level security", sets.insertingAsPerson(chat, GOAL_WRITERS)),
            new Side("send_message", sets.sending(chat, GOAL_WRITERS)),
            new Side("send_message, no change log", sets.sending(numbered, GOAL_WRITERS)),
            new Side("+ chat.enter", callers.calling(sets, GOAL_WRITERS))));
  }

  private static void relays(Run run, Connections sets, String chat) throws Exception {
    List<Side> sides = new ArrayList<>();
    for (int count = 0; count <= 2; count++) {
      int relays = count;
      Side.Trial sending = sets.sending(chat, GOAL_WRITERS);
      sides.add(
          new Side(
              relays + (relays == 1 ? " relay" : " relays"),
              seconds -> {
                try (Relays listening = new Relays(run.ground(), chat, relays)) {
                  listening.awaitHearing();
                  return sending.run(seconds);
                }
              }));
    }
    run.compare("send_message, 16 writers, by relays", "messages/s", sides);
  }

  /** Drops those triggers of messages whose names are like this. */
  static String withoutTriggers(String like) {
    return """
        do $$
        declare t record;
        begin
          for t in select tgname from pg_trigger
            where tgrelid = 'public.user_messages'::regclass and not tgisinternal and tgname like '%s'
          loop
            execute format('drop trigger %%I on public.user_messages', t.tgname);
          end loop;
        end $$;
        """
        .formatted(like);
  }

  /** Relays that tell nobody. */
  static final class Relays implements AutoCloseable {
    private final List<Relay> relays = new ArrayList<>();

    Relays(Ground ground, String database, int count) {
      Login login = ground.service(database);
      for (int i = 0; i < count; i++) {
        var relay =
            new Relay(RelaySettings.of(login.url(), login.user(), login.password()), new FanOut());
        relays.add(relay);
        relay.start();
      }
    }

    void awaitHearing() {
      relays.forEach(relay -> Await.until("the relay to be up to date", relay::isUpToDate));
    }

    @Override
    public void close() {
      relays.forEach(Relay::close);
    }
  }

  /** The connections of the writers; opened once, used by one trial at a time. */
  static final class Connections implements AutoCloseable {
    private final Ground ground;
    private final String[] texts = new String[997];
    private final List<Connection> open = new ArrayList<>();
    private final Processors processors;

    Connections(Ground ground, long seed) throws SQLException {
      this.ground = ground;
      this.processors = ground.processors();
      var random = new Random(seed);
      for (int i = 0; i < texts.length; i++) {
        var text = new StringBuilder();
        for (int word = 0; word < 4 + random.nextInt(10); word++) {
          text.append("word").append(random.nextInt(5000)).append(' ');
        }
        texts[i] = text.toString();
      }
    }

    Processors processors() {
      return processors;
    }

    String text(int number) {
      return texts[Math.floorMod(number, texts.length)];
    }

    Pair pair(int writer) {
      return ground.pairs().get(writer);
    }

    Side.Trial inserting(String database, int writers) {
      return seconds -> perSecond(ground.owner(database), "", INSERT, writers, seconds, true);
    }

    Side.Trial insertingToNumber(String database, int writers) {
      return seconds ->
          perSecond(ground.owner(database), "", INSERT_TO_NUMBER, writers, seconds, true);
    }

    Side.Trial insertingAsPerson(String database, int writers) {
      return seconds ->
          perSecond(
              ground.service(database), "authenticated", INSERT_TO_NUMBER, writers, seconds, true);
    }

    Side.Trial sending(String database, int writers) {
      return seconds ->
          perSecond(ground.service(database), "authenticated", SEND, writers, seconds, false);
    }

    private Measured perSecond(
        Login login, String role, String sql, int writers, double seconds, boolean inserts)
        throws Exception {
      try {
        return Writers.perSecond(
            writers,
            seconds,
            processors,
            writer -> step(login, role, sql, pair(writer), writer, inserts));
      } finally {
        close();
      }
    }

    private Writers.Step step(
        Login login, String role, String sql, Pair pair, int writer, boolean inserts)
        throws SQLException {
      Connection connection = login.connect();
      open.add(connection);
      if (!role.isEmpty()) {
        try (Statement statement = connection.createStatement()) {
          statement.execute(
              "set role %s; set request.jwt.claims = '%s'"
                  .formatted(role, Caller.user(pair.one()).claims()));
        }
      }
      PreparedStatement statement = connection.prepareStatement(sql);
      statement.setObject(1, pair.conversation());
      if (inserts) {
        statement.setObject(2, pair.one());
        if (sql.equals(INSERT)) {
          statement.setObject(4, pair.other());
        }
      }
      int[] number = {writer * 31};
      return () -> {
        statement.setString(inserts ? 3 : 2, text(number[0]++));
        statement.execute();
      };
    }

    @Override
    public void close() {
      for (Connection connection : open) {
        try {
          connection.close();
        } catch (SQLException e) {
          throw new IllegalStateException(e);
        }
      }
      open.clear();
    }
  }

  /** The service's own way in. */
  private static final class Callers implements AutoCloseable {
    private final HikariDataSource pool;
    private final ServiceDatabase chat;
    private final String statement;
    private final TokenIssuer issuer = new TokenIssuer(SECRET);
    private final RpcEndpoint endpoint;

    Callers(Ground ground, String database) {
      HikariConfig settings = new HikariConfig();
      settings.setDataSource(ground.service(database).dataSource());
      settings.setMaximumPoolSize(16); // as CHAT_POOL_SIZE is
      this.pool = new HikariDataSource(settings);
      this.chat = new ServiceDatabase(pool);
      this.endpoint =
          new RpcEndpoint(chat, new TokenVerifier(TokenSettings.ofSecret(SECRET)), true);
      this.statement =
          chat.asItself(
              tx ->
                  String.valueOf(
                      tx.fetchValue(
                          "select chat.call_statement('send_message', array['conversation_id', 'content'])")));
    }

    Side.Trial calling(Connections sets, int writers) {
      return seconds ->
          Writers.perSecond(
              writers,
              seconds,
              sets.processors(),
              writer -> {
                Pair pair = sets.pair(writer);
                Caller caller = Caller.user(pair.one());
                int[] number = {writer * 31};
                return () ->
                    chat.call(
                        caller,
                        false,
                        statement,
                        "{\"conversation_id\":\"%s\",\"content\":\"%s\"}"
                            .formatted(pair.conversation(), sets.text(number[0]++)));
              });
    }

    Side.Trial together(Connections sets, int writers) {
      return seconds ->
          Writers.perSecond(
              writers,
              seconds,
              sets.processors(),
              writer -> {
                Pair pair = sets.pair(writer);
                String token = "Bearer " + issuer.forUser(pair.one(), Duration.ofHours(5));
                int[] number = {writer * 31};
                return () -> post(token, pair, sets.text(number[0]++));
              });
    }

    private void post(String token, Pair pair, String text) {
      String json =
          "{\"conversation_id\":\"%s\",\"content\":\"%s\"}".formatted(pair.conversation(), text);
      ByteBuffer body = ByteBuffer.wrap(json.getBytes(StandardCharsets.UTF_8));
      Reply reply =
          endpoint.answer(
              new RpcRequest(
                  "POST",
                  "send_message",
                  List.of(),
                  token,
                  null,
                  null,
                  null,
                  null,
                  null,
                  null,
                  body));
      if (reply.status() != 200) {
        throw new IllegalStateException(reply.body());
      }
    }

    Side.Trial routine(Connections sets, int writers) {
      return seconds ->
          Writers.perSecond(
              writers,
              seconds,
              sets.processors(),
              writer -> {
                Pair pair = sets.pair(writer);
                int[] number = {writer * 31};
                return () -> send(pair, sets.text(number[0]++));
              });
    }

    private void send(Pair pair, String text) {
      chat.as(
          pair.one(),
          tx ->
              Routines.sendMessage(
                  tx.configuration(),
                  pair.conversation(),
                  text,
                  "text",
                  null,
                  null,
                  null,
                  null,
                  null,
                  null));
    }

    @Override
    public void close() {
      pool.close();
    }
  }
}
