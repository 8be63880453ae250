package com.gptdesk.chat.service.cluster;

import com.gptdesk.chat.relay.Audience;
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
 * One connection to NATS. It is connected from the start until it is closed or lost, and never
 * reconnects: the messages of a lost connection may have arrived or not, which its successor cannot
 * know.
 *
 * <p>Messages published by one connection arrive at another in the same order or not at all.
 */
final class NatsConnection implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(NatsConnection.class);
  private static final Duration PATIENCE = Duration.ofSeconds(5);
  private static final long MAX_WAITING_BYTES = 256L * 1024 * 1024;

  /** The handlers of messages and questions, each called by one thread of this connection. */
  record Handlers(
      BiConsumer<NatsConnection, byte[]> messages, BiConsumer<NatsConnection, Message> questions) {}

  private final String prefix;
  private final CountDownLatch lost = new CountDownLatch(1);
  private final Connection connection;
  private final Dispatcher messages;
  private final Dispatcher questions;
  private final String inbox;

  /** The subscribed audiences; owned by the feed's thread. */
  private final Set<Audience> audiences = new HashSet<>();

  private NatsConnection(NatsSettings settings, Handlers handlers)
      throws IOException, InterruptedException {
    this.prefix = settings.subject();
    this.connection = Nats.connect(options(settings));
    this.inbox = connection.createInbox();
    this.messages =
        connection.createDispatcher(message -> handlers.messages().accept(this, message.getData()));
    this.questions =
        connection.createDispatcher(message -> handlers.questions().accept(this, message));
    messages.setPendingLimits(settings.maxWaiting(), MAX_WAITING_BYTES);
    messages.subscribe(prefix + ".leader");
    messages.subscribe(inbox);
    try {
      connection.flush(PATIENCE);
    } catch (TimeoutException e) {
      close();
      throw new IOException("no answer within " + PATIENCE.toSeconds() + " s", e);
    }
  }

  /** Opens a connection. */
  static NatsConnection open(NatsSettings settings, Handlers handlers)
      throws IOException, InterruptedException {
    return new NatsConnection(settings, handlers);
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
            .pingInterval(settings.ping())
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
      case LAME_DUCK -> LOG.info("The NATS server is about to stop");
      case CONNECTED, RECONNECTED, RESUBSCRIBED, DISCOVERED_SERVERS -> LOG.debug("NATS: {}", event);
    }
  }

  /** Waits until the connection is lost or closed. */
  void awaitEnd() throws InterruptedException {
    lost.await();
  }

  boolean isUp() {
    return lost.getCount() != 0;
  }

  /** How many messages were dropped because too many waited. */
  long dropped() {
    return messages.getDroppedCount();
  }

  /** The longest message that the server accepts, in bytes. */
  long longest() {
    return connection.getMaxPayload();
  }

  /** Subscribes to the messages of an audience; does nothing when it has already. */
  void subscribe(Audience audience) {
    if (audiences.add(audience)) {
      messages.subscribe(subject(audience));
    }
  }

  /** Ends the subscription of an audience. */
  void unsubscribe(Audience audience) {
    if (audiences.remove(audience)) {
      messages.unsubscribe(subject(audience));
    }
  }

  /** Asks the leader, which answers with a message. */
  void ask(ClusterMessage.Question question) {
    connection.publish(prefix + ".question", inbox, question.encode());
  }

  /** Subscribes to questions, as this node now leads. */
  void subscribeToQuestions() {
    questions.subscribe(prefix + ".question");
  }

  /** Ends that subscription. */
  void unsubscribeFromQuestions() {
    try {
      questions.unsubscribe(prefix + ".question");
    } catch (IllegalStateException e) {
      LOG.debug("The connection to NATS was lost before the term ended", e);
    }
  }

  /** Publishes to the feeds of all nodes. */
  void publishToAll(ClusterMessage message) {
    connection.publish(prefix + ".leader", message.encode());
  }

  /** Publishes to the feeds that subscribe to this audience. */
  void publish(Audience audience, byte[] message) {
    connection.publish(subject(audience), message);
  }

  /** Answers the node that asked. */
  void answer(String who, ClusterMessage.Answer answer) {
    connection.publish(who, answer.encode());
  }

  private String subject(Audience audience) {
    return prefix + ".audience." + audience;
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

  /** Logs errors of the connection; only here does NATS report why it cannot connect. */
  private static final class Complaints implements ErrorListener {
    @Override
    public void errorOccurred(@Nullable Connection of, String error) {
      LOG.warn("NATS reports an error: {}", error);
    }

    @Override
    public void exceptionOccurred(@Nullable Connection of, Exception e) {
      LOG.debug("The connection to NATS failed", e);
      LOG.warn("The connection to NATS failed: {}", e.toString());
    }

    @Override
    public void slowConsumerDetected(@Nullable Connection of, @Nullable Consumer slow) {
      LOG.warn(
          "This node is too slow for the messages from NATS; some are dropped, and their readers catch up");
    }
  }
}
