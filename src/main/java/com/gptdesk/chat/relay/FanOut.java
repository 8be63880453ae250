package com.gptdesk.chat.relay;

import java.util.Collection;
import java.util.Collections;
import java.util.HashSet;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Delivers each change to the subscribers that share an audience with it. The cost of a change
 * depends on the subscribers it reaches, not on all of them.
 *
 * <p>Any thread may add, resubscribe and remove while changes are delivered. A subscriber gets each
 * change at most once, however many audiences they share. It gets every change of an audience that
 * it kept all the time.
 */
public final class FanOut implements ChangeListener {
  private static final Logger LOG = LoggerFactory.getLogger(FanOut.class);

  private final ConcurrentHashMap<Audience, Set<Subscriber>> byAudience = new ConcurrentHashMap<>();

  /** Guards the audiences of each subscriber: an entry is only changed inside its own compute. */
  private final ConcurrentHashMap<Subscriber, Set<Audience>> audiencesOf =
      new ConcurrentHashMap<>();

  private final AudienceSource source;

  /** Creates one without subscribers, which receives every change. */
  public FanOut() {
    this(AudienceSource.ALL);
  }

  /**
   * Creates one without subscribers.
   *
   * @param source is told which audiences have subscribers
   */
  public FanOut(AudienceSource source) {
    this.source = source;
  }

  /**
   * From now on this subscriber receives the changes of these audiences.
   *
   * @param subscriber who listens
   * @param audiences people and teams
   */
  public void add(Subscriber subscriber, Collection<Audience> audiences) {
    audiencesOf.compute(
        subscriber, (same, old) -> replace(same, old == null ? Set.of() : old, audiences));
  }

  /**
   * Replaces the audiences of a subscriber; does nothing for one that was removed.
   *
   * @param subscriber who listens
   * @param audiences people and teams
   */
  public void resubscribe(Subscriber subscriber, Collection<Audience> audiences) {
    audiencesOf.computeIfPresent(subscriber, (same, old) -> replace(same, old, audiences));
  }

  /**
   * From now on this subscriber receives nothing.
   *
   * @param subscriber who listened
   */
  public void remove(Subscriber subscriber) {
    audiencesOf.computeIfPresent(
        subscriber,
        (same, old) -> {
          old.forEach(audience -> leave(audience, same));
          return null;
        });
  }

  /**
   * Returns when every change of these audiences that commits from now on will reach their
   * subscribers; at once when all changes arrive anyway. Blocks.
   *
   * @param audiences people and teams with a subscriber
   * @throws IllegalStateException when that takes too long
   */
  public void awaitSubscribed(Collection<Audience> audiences) {
    source.awaitSubscribed(audiences);
  }

  /** {@return how many subscribers there are} */
  public int size() {
    return audiencesOf.size();
  }

  @Override
  public void changed(Change change) {
    for (Subscriber subscriber : reachedBy(change)) {
      try {
        subscriber.changed(change);
      } catch (RuntimeException e) {
        LOG.error(
            "A subscriber failed on change {} of {}; the others still receive it",
            change.seq(),
            change.table(),
            e);
      }
    }
  }

  @Override
  public void resync(String reason) {
    resync(audiencesOf.keySet(), reason);
  }

  /**
   * As {@link #resync(String)}, only for the subscribers of these audiences; once for each.
   *
   * @param audiences whose changes were missed
   * @param reason a sentence for people
   */
  public void resync(List<Audience> audiences, String reason) {
    resync(reachedBy(audiences), reason);
  }

  private static void resync(Set<Subscriber> subscribers, String reason) {
    for (Subscriber subscriber : subscribers) {
      try {
        subscriber.resync(reason);
      } catch (RuntimeException e) {
        LOG.error("A subscriber failed to handle a resync; the others still receive it", e);
      }
    }
  }

  private Set<Subscriber> reachedBy(Change change) {
    Set<Subscriber> reached = reachedBy(change.audiences());
    if (change.hiddenFrom().isEmpty()) {
      return reached;
    }
    Set<Subscriber> seeing = Collections.newSetFromMap(new IdentityHashMap<>());
    seeing.addAll(reached);
    for (UUID person : change.hiddenFrom()) {
      byAudience.getOrDefault(Audience.user(person), Set.of()).forEach(seeing::remove);
    }
    return seeing;
  }

  private Set<Subscriber> reachedBy(List<Audience> audiences) {
    if (audiences.size() == 1) {
      return byAudience.getOrDefault(audiences.getFirst(), Set.of());
    }
    Set<Subscriber> reached = Collections.newSetFromMap(new IdentityHashMap<>());
    for (Audience audience : audiences) {
      reached.addAll(byAudience.getOrDefault(audience, Set.of()));
    }
    return reached;
  }

  /** Adds new audiences first, so that an audience that is kept never lacks its subscriber. */
  private Set<Audience> replace(
      Subscriber subscriber, Set<Audience> old, Collection<Audience> audiences) {
    Set<Audience> wanted = Set.copyOf(new HashSet<>(audiences));
    for (Audience audience : wanted) {
      if (!old.contains(audience)) {
        enter(audience, subscriber);
      }
    }
    for (Audience audience : old) {
      if (!wanted.contains(audience)) {
        leave(audience, subscriber);
      }
    }
    return wanted;
  }

  private void enter(Audience audience, Subscriber subscriber) {
    byAudience.compute(
        audience,
        (same, there) -> {
          Set<Subscriber> with = there == null ? ConcurrentHashMap.newKeySet(2) : there;
          with.add(subscriber);
          if (there == null) {
            source.wanted(audience);
          }
          return with;
        });
  }

  private void leave(Audience audience, Subscriber subscriber) {
    byAudience.computeIfPresent(
        audience,
        (same, there) -> {
          there.remove(subscriber);
          if (there.isEmpty()) {
            source.unwanted(audience);
            return null;
          }
          return there;
        });
  }
}
