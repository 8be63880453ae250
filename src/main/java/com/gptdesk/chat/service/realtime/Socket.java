package com.gptdesk.chat.service.realtime;

import com.gptdesk.chat.relay.Scope;
import com.gptdesk.chat.service.auth.Identity;
import com.gptdesk.chat.service.auth.InvalidToken;
import com.gptdesk.chat.service.http.RequestId;
import com.gptdesk.chat.service.http.TokenBucket;
import com.gptdesk.chat.service.realtime.changes.Binding;
import com.gptdesk.chat.service.realtime.changes.ChangePayload;
import com.gptdesk.chat.service.realtime.protocol.ClientMessage;
import com.gptdesk.chat.service.realtime.protocol.Json;
import com.gptdesk.chat.service.realtime.protocol.Serializer;
import com.gptdesk.chat.service.realtime.protocol.ServerMessage;
import com.gptdesk.chat.service.realtime.protocol.TopicName;
import io.netty.buffer.ByteBufUtil;
import io.vertx.core.Context;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.HttpClosedException;
import io.vertx.core.http.ServerWebSocket;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.UUID;
import java.util.function.Consumer;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * One client's socket: reads its frames one after the other, and writes to it in order.
 *
 * <p>Everything belongs to the socket's event-loop context but {@link #hear} and {@link #close},
 * which any thread may call. Whatever may block (a token's keys, the database) runs on a virtual
 * thread and comes back to the context; meanwhile the socket is not read, so frames stay in order
 * and a client cannot pile up work.
 */
final class Socket {
  private static final Logger LOG = LoggerFactory.getLogger(Socket.class);

  private static final short NORMAL = 1000;
  private static final short PROTOCOL_ERROR = 1002;
  private static final short MESSAGE_TOO_BIG = 1009;
  private static final short POLICY_VIOLATION = 1008;
  private static final short SERVER_FAULT = 1011;
  static final short SERVICE_RESTART = 1012;
  private static final short TRY_AGAIN_LATER = 1013;

  /** So many changes are looked at before other sockets of the same event loop get their turn. */
  private static final int TURN = 500;

  private static final String CHANGES = "postgres_changes";
  private static final String SYSTEM = "system";

  private final RealtimeServer server;
  private final RealtimeSettings settings;
  private final String id;
  private final Context context;
  private final ServerWebSocket socket;
  private final Serializer codec;
  private final String apikey;
  private final TokenBucket joins;
  private final TopicDesk topics;
  private final TokenBucket frames;

  private final Map<String, Channel> channels = new HashMap<>();
  private final Map<UUID, Person> people = new HashMap<>();
  private final ArrayDeque<ClientMessage> unread = new ArrayDeque<>(0);
  private final List<Replay> replays = new ArrayList<>(0);
  private boolean busy;
  private boolean ended;
  private boolean complained;
  private int refusedInARow;
  private long queuedBytes;
  private long lastFrame;
  private long timer = -1;

  /** What the relay's thread handed over; guarded by itself. */
  private final ArrayDeque<Person.Heard> inbox = new ArrayDeque<>(0);

  private boolean inboxCalled;
  private boolean inboxClosed;

  /**
   * @param id of the request that became this socket
   */
  Socket(
      RealtimeServer server,
      String id,
      Context context,
      ServerWebSocket socket,
      Serializer codec,
      String apikey) {
    this.server = server;
    this.settings = server.settings();
    this.id = id;
    this.context = context;
    this.socket = socket;
    this.codec = codec;
    this.apikey = apikey;
    this.lastFrame = server.nanos();
    this.joins = new TokenBucket(settings.maxJoinsPerSecond(), lastFrame);
    this.topics = new TopicDesk(this, server);
    this.frames = new TokenBucket(settings.maxFramesPerSecond(), lastFrame);
  }

  /** Begins to read. */
  void open() {
    socket.textMessageHandler(text -> receive(codec.decode(text)));
    socket.binaryMessageHandler((Buffer binary) -> receive(codec.decode(binary)));
    socket.exceptionHandler(this::fail);
    socket.closeHandler(nothing -> end());
    arm();
  }

  /** Logs by the name of the request that became this socket. */
  void named(Runnable log) {
    RequestId.named(id, log);
  }

  /**
   * The socket itself does not close for a message that is too long; what comes after is no
   * message.
   */
  private void fail(Throwable e) {
    if (e instanceof HttpClosedException) {
      return; // The close handler is told.
    }
    named(() -> LOG.debug("A socket failed and is closed", e));
    if (e instanceof IllegalStateException) {
      shut(MESSAGE_TOO_BIG, "at most " + settings.maxFrameBytes() + " bytes");
    } else {
      shut(PROTOCOL_ERROR, "protocol error");
    }
  }

  RealtimeServer server() {
    return server;
  }

  TopicDesk topics() {
    return topics;
  }

  // --- What the relay says
  // -----------------------------------------------------------------------------------------

  /** Takes note of something heard. Called by the relay's thread: never waits. */
  void hear(Person.Heard heard) {
    boolean call;
    synchronized (inbox) {
      if (inboxClosed) {
        return;
      }
      if (inbox.size() >= settings.maxQueuedChanges()) {
        inboxClosed = true;
        inbox.clear();
        context.runOnContext(nothing -> tooSlow("too many changes wait for it"));
        return;
      }
      inbox.add(heard);
      call = !inboxCalled;
      inboxCalled = true;
    }
    if (call) {
      context.runOnContext(nothing -> readInbox());
    }
  }

  private void readInbox() {
    for (int i = 0; i < TURN; i++) {
      Person.Heard next;
      synchronized (inbox) {
        next = inbox.poll();
        if (next == null) {
          inboxCalled = false;
          return;
        }
      }
      if (!ended && next.person().take(next) > settings.maxQueuedChanges()) {
        tooSlow("too many changes wait for its rights to be known");
      }
    }
    context.runOnContext(nothing -> readInbox());
  }

  // --- What the client says
  // ----------------------------------------------------------------------------------------

  private void receive(ClientMessage frame) {
    lastFrame = server.nanos();
    unread.add(frame);
    readOn();
  }

  /** Takes one frame after the other until one has to wait for something. */
  private void readOn() {
    while (!busy && !ended && !unread.isEmpty()) {
      ClientMessage frame = unread.remove();
      try {
        if (mayBeTaken(frame)) {
          take(frame);
        }
      } catch (RuntimeException e) {
        named(() -> LOG.error("A frame could not be handled; its socket is closed", e));
        shut(SERVER_FAULT, "internal");
      }
    }
  }

  /** Too many are refused one by one; who goes on regardless is sent away. */
  private boolean mayBeTaken(ClientMessage frame) {
    if (frames.take(server.nanos())) {
      refusedInARow = 0;
      return true;
    }
    String reason = "at most " + settings.maxFramesPerSecond() + " messages a second";
    if (++refusedInARow > 10 * settings.maxFramesPerSecond()) {
      named(() -> LOG.info("The socket of {} is closed: {}", socket.remoteAddress(), reason));
      server.countUnruly();
      shut(POLICY_VIOLATION, "too many messages: " + reason);
    } else if (frame instanceof ClientMessage.Message message) {
      refuse(message, "ClientFrameRateLimitReached: Too many messages, " + reason);
    }
    return false;
  }

  private void take(ClientMessage frame) {
    switch (frame) {
      case ClientMessage.Malformed malformed -> drop(malformed);
      case ClientMessage.Heartbeat heartbeat -> answer(heartbeat, true, Json.object());
      case ClientMessage.Join join -> join(join);
      case ClientMessage.Leave leave -> leave(leave);
      case ClientMessage.AccessToken token ->
          onChannel(token, channel -> accessToken(token, channel));
      case ClientMessage.Broadcast broadcast ->
          onChannel(broadcast, channel -> topics.take(broadcast, channel));
      case ClientMessage.Presence presence ->
          onChannel(presence, channel -> topics.take(presence, channel));
      case ClientMessage.Unknown unknown ->
          onChannel(
              unknown, channel -> refuse(unknown, "unknown event \"" + unknown.event() + "\""));
    }
  }

  /** Said once per socket, so that a client cannot fill the log. */
  private void drop(ClientMessage.Malformed malformed) {
    server.countMalformed();
    if (!complained) {
      complained = true;
      named(
          () ->
              LOG.warn(
                  "A client at {} sends what is no message: {}; dropped, and so are others like it",
                  socket.remoteAddress(),
                  malformed.reason()));
    }
  }

  private void onChannel(ClientMessage.Message message, Consumer<Channel> work) {
    Channel channel = channels.get(message.topic());
    if (channel == null) {
      refuse(message, "unmatched topic");
    } else {
      work.accept(channel);
    }
  }

  private void leave(ClientMessage.Leave leave) {
    Channel channel = channels.get(leave.topic());
    answer(leave, true, Json.object());
    if (channel != null && isOfNow(leave, channel)) {
      remove(channel);
      write(new ServerMessage.Close(channel.topic(), channel.joinRef()));
    }
  }

  /** A client that has joined a topic twice may leave the channel of before, which is closed. */
  private static boolean isOfNow(ClientMessage.Leave leave, Channel channel) {
    return leave.joinRef() == null
        || channel.joinRef() == null
        || leave.joinRef().equals(channel.joinRef());
  }

  // --- Joining
  // -----------------------------------------------------------------------------------------------------

  private void join(ClientMessage.Join join) {
    Channel before = channels.get(join.topic());
    if (before != null) {
      remove(before);
      write(new ServerMessage.Close(before.topic(), before.joinRef()));
    }
    String trouble = troubleWith(join);
    if (trouble != null) {
      refuse(join, trouble);
      return;
    }
    String token = known(usable(join.accessToken()));
    beginWaiting();
    away(
        () -> server.tokens().verify(token),
        identity -> admit(join, token, identity),
        e -> {
          refuse(join, reason(e));
          endWaiting();
        });
  }

  private @Nullable String troubleWith(ClientMessage.Join join) {
    if (!join.topic().startsWith(TopicName.PREFIX)) {
      return "unmatched topic";
    }
    if (join.topic().length() == TopicName.PREFIX.length()) {
      return "TopicNameRequired: You must provide a topic name";
    }
    if (!settings.enabled()) {
      return "RealtimeDisabledForTenant: The chat is switched off";
    }
    if (!joins.take(server.nanos())) {
      return "ClientJoinRateLimitReached: At most "
          + settings.maxJoinsPerSecond()
          + " joins a second";
    }
    if (channels.size() >= settings.maxChannelsPerConnection()) {
      return "ChannelRateLimitReached: At most "
          + settings.maxChannelsPerConnection()
          + " channels on one connection";
    }
    if (join.bindings().size() > settings.maxBindingsPerChannel()) {
      return "ChannelRateLimitReached: At most "
          + settings.maxBindingsPerChannel()
          + " bindings in one channel";
    }
    return null;
  }

  /**
   * The token, but null for what names nobody: clients send a publishable key when they have
   * nothing better.
   */
  private static @Nullable String usable(@Nullable String token) {
    return token == null || token.isEmpty() || token.startsWith("sb_") ? null : token;
  }

  /** The same text that is held already, so that a client's token is not held once a channel. */
  private String known(@Nullable String sent) {
    if (sent == null || sent.equals(apikey)) {
      return apikey;
    }
    for (Channel channel : channels.values()) {
      if (channel.token().equals(sent)) {
        return channel.token();
      }
    }
    return sent;
  }

  private void admit(ClientMessage.Join join, String token, Identity identity) {
    List<Binding> bindings =
        server.commonBindings().of(Binding.all(join.bindings(), server.tables()));
    String name = join.topic().substring(TopicName.PREFIX.length());
    var seat = new TopicMembership(name, server.tracker().newOrigin(), join.config());
    var channel = new Channel(join.topic(), join.joinRef(), bindings, seat, token, identity);
    if (!channel.needsPerson()) {
      joined(join, channel);
      endWaiting();
      return;
    }
    hearFor(
        channel,
        new Person.Waiting() {
          @Override
          public void admitted() {
            Person person = channel.person();
            String trouble = person == null ? null : TopicDesk.troubleWith(join, seat, person);
            if (trouble == null) {
              joined(join, channel);
            } else {
              detach(channel);
              refuse(join, trouble);
            }
            endWaiting();
          }

          @Override
          public void refused(String reason) {
            refuse(join, reason);
            endWaiting();
          }
        });
  }

  /** The channel hears already when this is said, and what it hears is written after it. */
  private void joined(ClientMessage.Join join, Channel channel) {
    if (channels.put(channel.topic(), channel) == null) {
      server.countChannels(1);
    }
    server.countJoin();
    ArrayNode echo = Json.object().putArray(CHANGES);
    channel.bindings().forEach(binding -> echo.add(binding.echo()));
    ObjectNode response = Json.object();
    response.set(CHANGES, echo);
    answer(join, true, response);
    tellSubscribed(channel);
    topics.joined(channel);
    resume(channel);
    arm();
  }

  /** Tells a channel that was away what it missed, or that it missed something. */
  private void resume(Channel channel) {
    if (channel.bindings().stream().anyMatch(Binding::cannotResume)) {
      tellResync(
          channel,
          "Only messages of one conversation can be replayed (filter conversation_id=eq.<id>); read what else you show again.");
    }
    replay(channel);
  }

  private void replay(Channel channel) {
    Person person = channel.person();
    if (person == null || channel.conversations().isEmpty()) {
      return;
    }
    Replay running = channel.replay();
    if (running != null) {
      running.again();
      return;
    }
    var replay = new Replay(this, channel, person, settings);
    channel.replay(replay);
    replays.add(replay);
    replay.run();
  }

  /** Changes went by unheard: replays what can be, and tells of the rest. */
  void missed(Channel channel, String reason) {
    if (channel.hasBindingsThatCannotResume()) {
      tellResync(channel, reason);
    }
    replay(channel);
  }

  /** The replay has told all, and what came meanwhile, too. */
  void replayed(Channel channel) {
    Replay replay = channel.replay();
    if (replay != null) {
      endReplay(channel);
      tellSystem(channel, CHANGES, "ok", replay.summary());
    }
  }

  private void endReplay(Channel channel) {
    Replay replay = channel.replay();
    if (replay != null) {
      replay.end();
      replays.remove(replay);
      channel.replay(null);
    }
  }

  /** The replay cannot go on: the client joins again from where it is. */
  void failed(Channel channel, RuntimeException e) {
    dismiss(channel, reason(e), true);
  }

  /** Tells a live change, or holds it while what was before it is being replayed. */
  void tell(Channel channel, ChangePayload data, List<Binding> candidates) {
    Replay replay = channel.replay();
    if (replay == null) {
      tellNow(channel, data, candidates);
    } else if (!replay.hold(data)) {
      tooSlow("too many changes wait for what it missed to be told");
    }
  }

  void tellNow(Channel channel, ChangePayload data, List<Binding> candidates) {
    List<Channel.Told> told = channel.tell(data, candidates);
    server.countDelivered(told.size());
    writeTold(channel, data, told);
  }

  void writeReplayed(Channel channel, ChangePayload data, List<Channel.Told> told) {
    server.countReplayed();
    writeTold(channel, data, told);
  }

  private void writeTold(Channel channel, ChangePayload data, List<Channel.Told> told) {
    for (Channel.Told message : told) {
      write(
          new ServerMessage.PostgresChanges(
              channel.topic(), message.ids(), data.json(message.projection())));
    }
  }

  /** Whether the client reads fast enough to be sent what can as well wait in the database. */
  boolean hasRoom() {
    return !ended && queuedBytes <= settings.maxQueuedBytes() / 4;
  }

  private void written(int length) {
    queuedBytes -= length;
    if (!replays.isEmpty() && hasRoom()) {
      List.copyOf(replays).forEach(Replay::run);
    }
  }

  /** As {@link #away}, and in turn with others that ask the database. */
  <T extends @Nullable Object> void ask(
      Supplier<T> question, Consumer<T> done, Consumer<RuntimeException> failed) {
    away(() -> server.inTurn(question), done, failed);
  }

  /** After so many milliseconds, unless the socket has ended by then. */
  void later(long millis, Runnable then) {
    context.owner().setTimer(Math.max(1, millis), id -> back(then));
  }

  private void tellSubscribed(Channel channel) {
    if (channel.bindings().isEmpty()) {
      return;
    }
    boolean allWell = true;
    for (Binding binding : channel.bindings()) {
      String trouble = binding.trouble();
      if (trouble != null) {
        allWell = false;
        tellSystem(
            channel,
            CHANGES,
            "error",
            "Unable to subscribe to " + binding.asSent() + ": " + trouble);
      }
    }
    if (allWell) {
      tellSystem(channel, CHANGES, "ok", "Subscribed to PostgreSQL");
    }
  }

  /** Lets a channel hear by the rights of its identity, or says why not. */
  private void hearFor(Channel channel, Person.Waiting who) {
    UUID userId = channel.identity().isAnonymous() ? null : channel.identity().userId();
    if (userId == null) {
      who.refused(
          channel.bindings().isEmpty()
              ? "Unauthorized: the topic needs the token of a user: " + channel.name()
              : "Unauthorized: postgres_changes need the token of a user");
      return;
    }
    Person known = people.get(userId);
    if (known == null && !server.enter(userId)) {
      who.refused(
          "ConnectionRateLimitReached: At most "
              + settings.maxConnectionsPerUser()
              + " connections of one user");
      return;
    }
    Person person = known != null ? known : arrive(userId);
    var waiting =
        new Person.Waiting() {
          @Override
          public void admitted() {
            person.add(channel);
            who.admitted();
          }

          @Override
          public void refused(String reason) {
            who.refused(reason);
          }
        };
    if (!TopicName.isKnown(channel.name())) {
      person.whenKnown(waiting);
      return;
    }
    // First expected, then read: a conversation deleted in between is heard.
    person.expect(channel);
    away(
        () -> {
          server.fanOut().awaitHeard(Set.of(Scope.user(userId)));
          return server.topics().scopes(channel.name());
        },
        found -> {
          channel.attendance().isUsableBy(found);
          person.whenKnown(waiting);
        },
        e -> {
          person.expectNoMore();
          releaseIfIdle(person);
          who.refused(reason(e));
        });
  }

  /** First registered, then read: a change of rights in between is heard. */
  private Person arrive(UUID userId) {
    var person = new Person(userId, this);
    people.put(userId, person);
    server.fanOut().add(person, Set.of(Scope.user(userId)));
    readScopes(person);
    return person;
  }

  /** Reads what this person may hear, and holds what comes until it is known. */
  void readScopes(Person person) {
    person.unknown();
    away(
        () -> heardScopes(person),
        found -> scopesRead(person, found),
        e -> {
          named(
              () ->
                  LOG.warn(
                      "The rights of user {} could not be read; the client joins again",
                      person.id(),
                      e));
          depart(person, reason(e), true);
        });
  }

  /**
   * What this person may hear, and is going to hear. What is read by whoever is told that it is
   * known joins on to that.
   */
  private Collection<Scope> heardScopes(Person person) {
    server.fanOut().awaitHeard(Set.of(Scope.user(person.id())));
    Collection<Scope> found = server.inTurn(() -> server.scopes().of(person.id()));
    server.fanOut().rescope(person, found);
    server.fanOut().awaitHeard(found);
    return found;
  }

  private void scopesRead(Person person, Collection<Scope> found) {
    if (people.get(person.id()) != person) {
      return; // It left meanwhile.
    }
    if (found.isEmpty()) {
      depart(person, "Unauthorized: this user may not use the chat", false);
      return;
    }
    person.known(found);
  }

  /** Ends everything that hears by this person's rights; the client may come back or not. */
  private void depart(Person person, String reason, boolean comesBack) {
    if (people.remove(person.id(), person)) {
      server.fanOut().remove(person);
      server.exit(person.id());
    }
    for (Channel channel : Set.copyOf(person.channels())) {
      dismiss(channel, reason, comesBack);
    }
    person.leave(reason);
  }

  // --- Tokens
  // ------------------------------------------------------------------------------------------------------

  private void accessToken(ClientMessage.AccessToken frame, Channel channel) {
    String sent = usable(frame.token());
    if (sent == null || sent.equals(channel.token())) {
      return;
    }
    String token = known(sent);
    beginWaiting();
    away(
        () -> server.tokens().verify(token),
        identity -> identify(channel, token, identity),
        e -> {
          dismiss(channel, reason(e), true);
          endWaiting();
        });
  }

  private void identify(Channel channel, String token, Identity identity) {
    boolean same =
        Objects.equals(channel.identity().userId(), identity.userId())
            && channel.identity().role() == identity.role();
    channel.identify(token, identity);
    if (same || !channel.needsPerson() || channels.get(channel.topic()) != channel) {
      arm();
      endWaiting();
      return;
    }
    if (identity.isAnonymous()) {
      named(
          () ->
              LOG.warn(
                  "Channel {} got a token without a user in place of one with; it hears nothing until it joins again",
                  channel.topic()));
    }
    // First deaf, then by the new rights: nothing is heard by those of before.
    detach(channel);
    topics.left(channel);
    hearFor(
        channel,
        new Person.Waiting() {
          @Override
          public void admitted() {
            Person person = channel.person();
            if (channels.get(channel.topic()) != channel) {
              detach(channel); // It was closed meanwhile.
            } else if (person != null && !topics.mayStay(channel, person.scopes())) {
              dismiss(channel, TopicDesk.unauthorized(channel.attendance()), true);
            } else {
              channel.conversations().forEach(Resumption::startAnew);
              resume(channel);
            }
            arm();
            endWaiting();
          }

          @Override
          public void refused(String reason) {
            dismiss(channel, reason, true);
            endWaiting();
          }
        });
  }

  static String reason(RuntimeException e) {
    if (e instanceof InvalidToken invalid) {
      String code =
          switch (invalid.reason()) {
            case MALFORMED -> "MalformedJWT";
            case BAD_SIGNATURE -> "JwtSignatureError";
            case EXPIRED,
                NOT_YET_VALID,
                MISSING_CLAIM,
                WRONG_AUDIENCE,
                WRONG_ISSUER,
                UNKNOWN_ROLE,
                KEYS_UNAVAILABLE ->
                "InvalidJWTToken";
          };
      return code + ": " + invalid.getMessage();
    }
    return "UnableToConnectToProject: The database cannot be asked now; try again";
  }

  // --- Time
  // --------------------------------------------------------------------------------------------------------

  /** One timer per socket, for whatever comes first: the client's silence or the end of a token. */
  private void arm() {
    if (ended) {
      return;
    }
    if (timer >= 0) {
      context.owner().cancelTimer(timer);
    }
    Duration wait = settings.idleTimeout().minusNanos(server.nanos() - lastFrame);
    Instant now = Instant.now();
    for (Channel channel : channels.values()) {
      Instant end = endOf(channel);
      if (end != null && Duration.between(now, end).compareTo(wait) < 0) {
        wait = Duration.between(now, end);
      }
    }
    timer = context.owner().setTimer(Math.max(1, wait.toMillis() + 1), id -> tick());
  }

  private @Nullable Instant endOf(Channel channel) {
    Instant expiresAt = channel.expiresAt();
    return expiresAt == null ? null : expiresAt.plus(settings.tokenLeeway());
  }

  private void tick() {
    timer = -1;
    // A socket that is not read because it waits for the database is not silent by its own fault.
    if (!busy && server.nanos() - lastFrame >= settings.idleTimeout().toNanos()) {
      shut(NORMAL, "no heartbeat");
      return;
    }
    Instant now = Instant.now();
    for (Channel channel : List.copyOf(channels.values())) {
      Instant end = endOf(channel);
      if (end != null && !now.isBefore(end)) {
        long seconds = Duration.between(end.minus(settings.tokenLeeway()), now).toSeconds();
        dismiss(channel, "InvalidJWTToken: Token has expired " + seconds + " seconds ago", true);
      }
    }
    if (busy) {
      lastFrame = server.nanos();
    }
    arm();
  }

  // --- Ending
  // ------------------------------------------------------------------------------------------------------

  /** Ends a channel and says why. One that comes back joins again with the token it has by then. */
  void dismiss(Channel channel, String reason, boolean comesBack) {
    if (channels.get(channel.topic()) != channel) {
      detach(channel);
      return;
    }
    remove(channel);
    tellSystem(channel, SYSTEM, "error", reason);
    write(
        comesBack
            ? new ServerMessage.Failure(channel.topic(), channel.joinRef())
            : new ServerMessage.Close(channel.topic(), channel.joinRef()));
  }

  private void remove(Channel channel) {
    if (channels.remove(channel.topic(), channel)) {
      server.countChannels(-1);
    }
    topics.left(channel);
    detach(channel);
  }

  /** The conversation of these channels is no more. */
  void deleted(List<Channel> gone) {
    for (Channel channel : gone) {
      dismiss(channel, "The conversation was deleted: " + channel.name(), false);
    }
  }

  /** What a channel's person may see is other than before. */
  void rescoped(Channel channel, Collection<Scope> scopes) {
    if (topics.mayStay(channel, scopes)) {
      missed(channel, "What you may see has changed.");
    } else {
      dismiss(channel, TopicDesk.unauthorized(channel.attendance()), false);
    }
  }

  private void detach(Channel channel) {
    Person person = channel.person();
    if (person == null) {
      return;
    }
    endReplay(channel);
    person.remove(channel);
    releaseIfIdle(person);
  }

  private void releaseIfIdle(Person person) {
    if (person.isIdle() && people.remove(person.id(), person)) {
      server.fanOut().remove(person);
      server.exit(person.id());
      person.leave("left");
    }
  }

  /** Closes the socket; the client reconnects by itself, whatever the code. Any thread may call. */
  void close(short code, String reason) {
    context.runOnContext(nothing -> shut(code, reason));
  }

  void tooSlow(String what) {
    if (!ended) {
      server.countSlow();
      named(
          () ->
              LOG.info(
                  "The socket of {} is closed, {}; the client comes back and catches up",
                  socket.remoteAddress(),
                  what));
      shut(TRY_AGAIN_LATER, "too slow");
    }
  }

  private void shut(short code, String reason) {
    end();
    if (!socket.isClosed()) {
      socket.close(code, reason);
    }
  }

  /** The socket says and hears nothing any more. */
  private void end() {
    if (ended) {
      return;
    }
    ended = true;
    if (timer >= 0) {
      context.owner().cancelTimer(timer);
    }
    synchronized (inbox) {
      inboxClosed = true;
      inbox.clear();
    }
    unread.clear();
    topics.ended(channels.values());
    replays.forEach(Replay::end);
    replays.clear();
    for (Person person : new HashSet<>(people.values())) {
      server.fanOut().remove(person);
      server.exit(person.id());
      person.leave("the socket is closed");
    }
    people.clear();
    server.countChannels(-channels.size());
    channels.clear();
    server.forget(this);
  }

  // --- Writing
  // -----------------------------------------------------------------------------------------------------

  void answer(ClientMessage.Message message, boolean ok, ObjectNode response) {
    write(new ServerMessage.Reply(message.topic(), message.joinRef(), message.ref(), ok, response));
  }

  private void refuse(ClientMessage.Message message, String reason) {
    if (message instanceof ClientMessage.Join) {
      server.countRefusedJoin();
    }
    answer(message, false, Json.object().put("reason", reason));
  }

  /** Tells a channel that changes were missed; one without bindings has missed no rows. */
  void tellResync(Channel channel, String reason) {
    if (!channel.bindings().isEmpty()) {
      tellSystem(channel, CHANGES, "resync", reason);
    }
  }

  void tellSystem(Channel channel, String extension, String status, String message) {
    write(
        new ServerMessage.Notice(
            channel.topic(), channel.joinRef(), extension, status, message, channel.name()));
  }

  /**
   * Writes a frame after those before it. What a client does not read in time waits here, but not
   * without bound.
   */
  void write(ServerMessage frame) {
    if (ended || socket.isClosed()) {
      return;
    }
    String text = codec.encode(frame);
    int length =
        ByteBufUtil.utf8Bytes(text); // As it will be sent, but counted without encoding it.
    queuedBytes += length;
    server.countWritten();
    socket.writeTextMessage(text).onComplete(done -> written(length));
    if (queuedBytes > settings.maxQueuedBytes()) {
      tooSlow("it does not read what it is sent");
    }
  }

  /** Writes a binary frame, to those who read such. */
  void write(Buffer binary) {
    if (ended || socket.isClosed() || !codec.speaksBinary()) {
      return;
    }
    queuedBytes += binary.length();
    server.countWritten();
    socket.writeBinaryMessage(binary).onComplete(done -> written(binary.length()));
    if (queuedBytes > settings.maxQueuedBytes()) {
      tooSlow("it does not read what it is sent");
    }
  }

  // --- Waiting
  // -----------------------------------------------------------------------------------------------------

  void beginWaiting() {
    busy = true;
    socket.pause();
  }

  void endWaiting() {
    busy = false;
    if (!ended) {
      socket.resume();
      readOn();
    }
  }

  /**
   * Blocking work on a virtual thread; what comes of it is handled on the context, unless the
   * socket has ended.
   */
  <T extends @Nullable Object> void away(
      Supplier<T> work, Consumer<T> done, Consumer<RuntimeException> failed) {
    Thread.ofVirtual()
        .name("realtime")
        .start(
            () -> {
              T result;
              try {
                result = work.get();
              } catch (RuntimeException e) {
                context.runOnContext(nothing -> back(() -> failed.accept(e)));
                return;
              }
              context.runOnContext(nothing -> back(() -> done.accept(result)));
            });
  }

  private void back(Runnable then) {
    if (ended) {
      return;
    }
    try {
      then.run();
    } catch (RuntimeException e) {
      named(() -> LOG.error("An answer could not be handled; its socket is closed", e));
      shut(SERVER_FAULT, "internal");
    }
  }
}
