package com.gptdesk.chat.bench;

import com.gptdesk.chat.bench.Ground.Pair;
import io.vertx.core.Future;
import io.vertx.core.Promise;
import io.vertx.core.Vertx;
import io.vertx.core.VertxOptions;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.HttpClient;
import io.vertx.core.http.HttpClientOptions;
import io.vertx.core.http.HttpClientRequest;
import io.vertx.core.http.HttpClientResponse;
import io.vertx.core.http.HttpMethod;
import io.vertx.core.http.PoolOptions;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.LongAdder;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/**
 * The people at one service, the same for every service: of each pair one writes by HTTP POST and
 * the other reads at a WebSocket. One event loop; its work is the same for all that are compared.
 */
final class Clients implements AutoCloseable {
  private static final String HOST = "127.0.0.1";
  private static final int PATIENCE_SECONDS = 30;
  private static final double WINDOW_SECONDS = 2;
  private static final double STEADY = 0.05;

  /** Messages before which little is compiled, so that two windows are alike by chance alone. */
  private static final int LEAST = 4_000;

  /** How a service is spoken to. */
  interface Dialect {
    int port();

    String postPath();

    Map<String, String> postHeaders(Pair pair);

    String postBody(Pair pair, String content);

    /** Whether the answer, of a status 2xx, says that the message is stored. */
    default boolean isStored(String answer) {
      return true;
    }

    String socketPath(Pair pair);

    /** The subprotocols of the WebSocket. */
    default List<String> subprotocols() {
      return List.of();
    }

    /** What the reader says first, each when the one before was confirmed. */
    List<Step> subscriptions(Pair pair);

    /** What stands before the content in the frame of a message. */
    default String beforeContent() {
      return "\"content\":\"";
    }

    /** The heartbeat of a reader every 20 s; empty for none. */
    default String heartbeat() {
      return "";
    }
  }

  /** A frame of a reader, and part of the frame that confirms it. */
  record Step(String frame, String confirmation) {}

  /**
   * One message's way, in nanoseconds from when it was to be sent.
   *
   * @param answered when the writer knew that it is stored
   * @param delivered when the reader had it
   */
  record Trip(long answered, long delivered) {
    static double[] answers(List<Trip> trips) {
      return trips.stream().mapToDouble(trip -> trip.answered() / 1e6).toArray();
    }

    static double[] deliveries(List<Trip> trips) {
      return trips.stream().mapToDouble(trip -> trip.delivered() / 1e6).toArray();
    }
  }

  /**
   * What became of messages while something broke.
   *
   * @param refused those the service did not confirm
   * @param lost those it confirmed and the reader never had
   */
  record Losses(int confirmed, int refused, int lost) {}

  private final Dialect dialect;
  private final List<Pair> pairs;
  private final Vertx vertx = Vertx.vertx(new VertxOptions().setEventLoopPoolSize(1));
  private final HttpClient http;
  private final Map<String, Promise<Long>> awaited = new ConcurrentHashMap<>();
  private final AtomicInteger numbers = new AtomicInteger();
  private final LongAdder confirmed = new LongAdder();
  private final String words;
  private final String mark;

  /** Opens a socket for each pair, and returns when all of them hear. */
  Clients(Dialect dialect, List<Pair> pairs, long seed) throws Exception {
    this.dialect = dialect;
    this.pairs = pairs;
    this.http =
        vertx.createHttpClient(new HttpClientOptions(), new PoolOptions().setHttp1MaxSize(256));
    var random = new Random(seed);
    var text = new StringBuilder();
    for (int word = 0; word < 8; word++) {
      text.append(" word").append(random.nextInt(5000));
    }
    this.words = text.toString();
    this.mark = dialect.beforeContent() + "m";
    try {
      Sockets.open(
          vertx,
          dialect,
          pairs,
          new Sockets.Receiver() {
            @Override
            public void received(int pair, String frame) {
              Clients.this.received(pair, frame);
            }

            @Override
            public void closed(String why) {
              readerGone(why);
            }
          });
    } catch (Exception e) {
      close();
      throw e;
    }
  }

  /** How many messages the service has confirmed so far. */
  long confirmed() {
    return confirmed.sum();
  }

  /** How many sockets there are. */
  int readers() {
    return pairs.size();
  }

  /** Takes the messages of a frame to its reader off the list of those that are awaited. */
  private void received(int pair, String frame) {
    for (int at = frame.indexOf(mark); at >= 0; at = frame.indexOf(mark, at + 1)) {
      int start = at + mark.length();
      if (frame.startsWith(pair + ".", start)) {
        delivered(frame.substring(start, frame.indexOf(' ', start)));
      }
    }
  }

  private void readerGone(String why) {
    awaited.values().forEach(promise -> promise.tryFail(why));
  }

  private void delivered(String key) {
    Promise<Long> promise = awaited.remove(key);
    if (promise != null) {
      promise.complete(System.nanoTime());
    }
  }

  /** A message on its way: when it was confirmed, and when it was delivered. */
  private record Sent(String key, Future<Long> answered, Future<Long> delivered) {}

  private Sent send(int pair) {
    Pair people = pairs.get(pair);
    String key = pair + "." + numbers.incrementAndGet();
    Promise<Long> delivered = Promise.promise();
    awaited.put(key, delivered);
    Future<Long> answered =
        http.request(HttpMethod.POST, dialect.port(), HOST, dialect.postPath())
            .compose(request -> post(request, people, "m" + key + words))
            .compose(this::confirmed);
    return new Sent(key, answered, delivered.future());
  }

  private Future<HttpClientResponse> post(HttpClientRequest request, Pair people, String content) {
    request.putHeader("content-type", "application/json");
    dialect.postHeaders(people).forEach(request::putHeader);
    return request.send(Buffer.buffer(dialect.postBody(people, content)));
  }

  private Future<Long> confirmed(HttpClientResponse response) {
    return response
        .body()
        .compose(
            body -> {
              if (response.statusCode() / 100 != 2 || !dialect.isStored(body.toString())) {
                return Future.failedFuture(response.statusCode() + " " + body);
              }
              confirmed.increment();
              return Future.succeededFuture(System.nanoTime());
            });
  }

  private Future<Trip> trip(int pair, long start) {
    Sent sent = send(pair);
    return sent.answered()
        .compose(
            answered ->
                sent.delivered().map(delivered -> new Trip(answered - start, delivered - start)));
  }

  /** One message at a time, with a pause after each, so that everything has gone to sleep. */
  List<Trip> idle(int messages, Random random) throws Exception {
    List<Trip> trips = new ArrayList<>();
    for (int i = 0; i < messages; i++) {
      pause(random);
      trips.add(finish(trip(i % pairs.size(), System.nanoTime())));
    }
    return trips;
  }

  /** Between two messages of an idle system: 5 to 15 ms. */
  static void pause(Random random) {
    LockSupport.parkNanos(random.nextLong(5_000_000, 15_000_000));
  }

  /**
   * Each pair has so many messages on the way and sends the next when one was delivered.
   *
   * @return messages stored and delivered a second
   */
  double perSecond(int eachPair, double seconds) throws Exception {
    var done = new LongAdder();
    long start = System.nanoTime();
    long end = start + (long) (seconds * 1e9);
    int slots = pairs.size() * eachPair;
    var free = new Semaphore(0);
    List<Throwable> failures = new ArrayList<>(); // of the event loop
    var runner =
        new Object() {
          void next(int pair) {
            long now = System.nanoTime();
            if (now >= end) {
              free.release();
              return;
            }
            trip(pair, now)
                .onComplete(
                    ended -> {
                      if (ended.succeeded()) {
                        done.increment();
                        next(pair);
                      } else {
                        failures.add(ended.cause());
                        free.release();
                      }
                    });
          }
        };
    vertx.runOnContext(
        go -> {
          for (int i = 0; i < slots; i++) {
            runner.next(i % pairs.size());
          }
        });
    if (!free.tryAcquire(slots, (long) seconds + PATIENCE_SECONDS, TimeUnit.SECONDS)) {
      throw new IllegalStateException(awaited.size() + " messages were never delivered");
    }
    if (!failures.isEmpty()) {
      throw new IllegalStateException("A message was not sent", failures.getFirst());
    }
    return done.sum() / ((System.nanoTime() - start) / 1e9);
  }

  /**
   * How far a warm-up got.
   *
   * @param isSteady whether two windows, one after the other, differed by little at the end
   */
  record WarmUp(double delivered, boolean isSteady) {}

  /** Lets the service's JVM compile what it runs: until it becomes no faster, or for so long. */
  WarmUp warmUp(int eachPair, double atMostSeconds) throws Exception {
    long end = System.nanoTime() + (long) (atMostSeconds * 1e9);
    double delivered = 0;
    double before = 0;
    while (System.nanoTime() < end) {
      double now = perSecond(eachPair, WINDOW_SECONDS);
      delivered += now * WINDOW_SECONDS;
      if (delivered > LEAST && Math.abs(now / before - 1) < STEADY) {
        return new WarmUp(delivered, true);
      }
      before = now;
    }
    return new WarmUp(delivered, false);
  }

  /**
   * So many a second, whether the service follows or not; each counts from when it was due, so that
   * one that had to wait to be sent is not flattered.
   */
  List<Trip> offered(double perSecond, double seconds) throws Exception {
    List<Future<Trip>> trips = new ArrayList<>();
    long start = System.nanoTime();
    int count = (int) (perSecond * seconds);
    for (int i = 0; i < count; i++) {
      long due = start + (long) (i * 1e9 / perSecond);
      LockSupport.parkNanos(due - System.nanoTime());
      trips.add(trip(i % pairs.size(), due));
    }
    List<Trip> ended = new ArrayList<>();
    for (Future<Trip> trip : trips) {
      ended.add(finish(trip));
    }
    return ended;
  }

  /** Breaks something in the middle of so many a second, and counts once readers hear again. */
  Losses losses(double perSecond, double seconds, Fault fault) throws Exception {
    List<Sent> sent = new ArrayList<>();
    long start = System.nanoTime();
    int count = (int) (perSecond * seconds);
    for (int i = 0; i < count; i++) {
      if (i == count / 3) {
        fault.happen();
      }
      LockSupport.parkNanos(start + (long) (i * 1e9 / perSecond) - System.nanoTime());
      sent.add(send(i % pairs.size()));
    }
    List<Sent> confirmed = new ArrayList<>();
    for (Sent each : sent) {
      if (finishes(each.answered())) {
        confirmed.add(each);
      }
    }
    // A reader that received a later message has received all earlier ones, or never will.
    long patience = System.nanoTime() + TimeUnit.SECONDS.toNanos(2 * PATIENCE_SECONDS);
    for (int pair = 0; pair < pairs.size(); pair++) {
      while (!marked(pair)) {
        if (System.nanoTime() > patience) {
          throw new IllegalStateException("A reader did not hear again after the fault");
        }
      }
    }
    int lost = 0;
    for (Sent each : confirmed) {
      if (!each.delivered().isComplete()) {
        lost++;
      }
    }
    sent.forEach(each -> awaited.remove(each.key()));
    return new Losses(confirmed.size(), sent.size() - confirmed.size(), lost);
  }

  /** What breaks. */
  interface Fault {
    void happen() throws Exception;
  }

  private boolean marked(int pair) throws Exception {
    Sent marker = send(pair);
    if (!finishes(marker.answered())) {
      return false;
    }
    return finishes(marker.delivered(), 3);
  }

  private static boolean finishes(Future<?> future) throws Exception {
    return finishes(future, PATIENCE_SECONDS);
  }

  private static boolean finishes(Future<?> future, int seconds) throws Exception {
    try {
      future.toCompletionStage().toCompletableFuture().get(seconds, TimeUnit.SECONDS);
      return true;
    } catch (java.util.concurrent.ExecutionException | java.util.concurrent.TimeoutException e) {
      return false;
    }
  }

  private static <T extends @Nullable Object> T finish(Future<T> future) throws Exception {
    return future.toCompletionStage().toCompletableFuture().get(PATIENCE_SECONDS, TimeUnit.SECONDS);
  }

  @Override
  public void close() {
    vertx.close().toCompletionStage().toCompletableFuture().join();
  }
}
