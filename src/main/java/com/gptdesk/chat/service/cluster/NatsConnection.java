package com.gptdesk.chat.service.cluster;

import com.gptdesk.chat.relay.Scope;
import io.nats.client.Connection;
import io.nats.client.ConnectionListener;
import io.nats.client.Consumer;
import io.nats.client.Dispatcher;
import io.nats.client.ErrorListener;
import io.nats.client.Message;
import io.nats.client.Nats;
import io.nats.client.Options;
import java.io.IOException;
import java.time.Duration;
import java.util.HashSet;
import java.util.Set;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeoutException;
import java.util.function.BiConsumer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One connection to NATS. It is made connected, hears until it is closed or lost, and is never made
 * again: what was published by a lost one may have arrived or not, which its successor could not
 * tell.
 *
 * <p>What is published by one line arrives at another in the same order or not at all.
 */
final class NatsConnection implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(NatsConnection.class);
  private static final Duration PATIENCE = Duration.ofSeconds(5);
  private static final long MAX_WAITING_BYTES = 256L * 1024 * 1024;

  /** Who hears, each called by one thread of this line's own. */
  record Ears(BiConsumer<NatsConnection, byte[]> told, BiConsumer<NatsConnection, Message> asked) {}

  private final String prefix;
  private final CountDownLatch lost = new CountDownLatch(1);
  private final Connection connection;
  private final Dispatcher told;
  private final Dispatcher asked;
  private final String inbox;

  /** Which scopes are subscribed to; owned by the gateway's thread. */
  private final Set<Scope> scopes = new HashSet<>();

  private NatsConnection(NatsSettings settings, Ears ears)
      throws IOException, InterruptedException {
    this.prefix = settings.subject();
    this.connection = Nats.connect(options(settings));
    this.inbox = connection.createInbox();
    this.told = connection.createDispatcher(message -> ears.told().accept(this, message.getData()));
    this.asked = connection.createDispatcher(message -> ears.asked().accept(this, message));
    told.setPendingLimits(settings.maxWaiting(), MAX_WAITING_BYTES);
    told.subscribe(prefix + ".leader");
    told.subscribe(inbox);
    try {
      connection.flush(PATIENCE);
    } catch (TimeoutException e) {
      close();
      throw new IOException("no answer within " + PATIENCE.toSeconds() + " s", e);
    }
  }

  /** Connects. */
  static NatsConnection open(NatsSettings settings, Ears ears)
      throws IOException, InterruptedException {
    return new NatsConnection(settings, ears);
  }

  private Options options(NatsSettings settings) {
    Options.Builder options =
        new Options.Builder()
            .servers(settings.servers().toArray(String[]::new))
            .connectionName("gptdesk-chat")
            .noReconnect()
            .noNoResponders()
            .connectionTimeout(PATIENCE)
            .socketWriteTimeout(PATIENCE)
            .pingInterval(PATIENCE)
            .maxPingsOut(2)
            .connectionListener(this::happened)
            .errorListener(new Complaints());
    if (settings.credentials() != null) {
      options.authHandler(Nats.credentials(settings.credentials().toString()));
    } else if (settings.user() != null && settings.password() != null) {
      options.userInfo(settings.user(), settings.password());
    } else if (settings.user() != null) {
      options.token(settings.user().toCharArray());
    }
    return options.build();
  }

  private void happened(@Nullable Connection of, ConnectionListener.Events event) {
    switch (event) {
      case CLOSED, DISCONNECTED -> lost.countDown();
      case LAME_DUCK -> LOG.info("The NATS server is going to stop");
      case CONNECTED, RECONNECTED, RESUBSCRIBED, DISCOVERED_SERVERS -> LOG.debug("NATS: {}", event);
    }
  }

  /** The connection is gone, or ended by {@link #close}. */
  void awaitEnd() throws InterruptedException {
    lost.await();
  }

  boolean isUp() {
    return lost.getCount() != 0;
  }

  /** How many messages were dropped because too many waited. */
  long dropped() {
    return told.getDroppedCount();
  }

  /** The longest message that the server takes. */
  long longest() {
    return connection.getMaxPayload();
  }

  /** Hears from now on what is said on a scope; does nothing when it does so already. */
  void subscribe(Scope scope) {
    if (scopes.add(scope)) {
      told.subscribe(subject(scope));
    }
  }

  /** Hears it no more. */
  void unsubscribe(Scope scope) {
    if (scopes.remove(scope)) {
      told.unsubscribe(subject(scope));
    }
  }

  /** Asks the leader, who answers with a frame. */
  void ask(ClusterMessage.Question question) {
    connection.publish(prefix + ".question", inbox, question.encode());
  }

  /** From now on this line hears the questions, since it is the leader's. */
  void hearQuestions() {
    asked.subscribe(prefix + ".question");
  }

  /** It is not any more. */
  void ignoreQuestions() {
    try {
      asked.unsubscribe(prefix + ".question");
    } catch (IllegalStateException e) {
      LOG.debug("The connection to NATS was lost before its leader ended", e);
    }
  }

  /** Tells every gateway. */
  void tellAll(ClusterMessage frame) {
    connection.publish(prefix + ".leader", frame.encode());
  }

  /** Tells the gateways that hear this scope. */
  void tell(Scope scope, byte[] frame) {
    connection.publish(subject(scope), frame);
  }

  /** Tells who asked. */
  void answer(String who, ClusterMessage.Answer answer) {
    connection.publish(who, answer.encode());
  }

  private String subject(Scope scope) {
    return prefix + ".scope." + scope;
  }

  @Override
  public void close() {
    lost.countDown();
    try {
      connection.close();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  /** What the connection complains of; why it cannot be made it says here alone. */
  private static final class Complaints implements ErrorListener {
    @Override
    public void errorOccurred(@Nullable Connection of, String error) {
      LOG.warn("NATS says: {}", error);
    }

    @Override
    public void exceptionOccurred(@Nullable Connection of, Exception e) {
      LOG.debug("The connection to NATS failed", e);
      LOG.warn("The connection to NATS failed: {}", e.toString());
    }

    @Override
    public void slowConsumerDetected(@Nullable Connection of, @Nullable Consumer slow) {
      LOG.warn("This node is too slow for what NATS brings; some is dropped and caught up with");
    }
  }
}
