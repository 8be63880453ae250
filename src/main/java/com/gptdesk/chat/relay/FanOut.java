package com.gptdesk.chat.relay;

import java.util.Collection;
import java.util.Collections;
import java.util.HashSet;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Delivers each change to the subscribers that share a scope with it. The cost of a change depends
 * on the subscribers it reaches, not on all of them.
 *
 * <p>Any thread may add, rescope and remove while changes are delivered. A subscriber gets each
 * change at most once, however many scopes they share. It gets every change of a scope that it kept
 * all the time.
 */
public final class FanOut implements ChangeListener {
  private static final Logger LOG = LoggerFactory.getLogger(FanOut.class);

  private final ConcurrentHashMap<Scope, Set<Subscriber>> byScope = new ConcurrentHashMap<>();

  /** Guards the scopes of each subscriber: an entry is only changed inside its own compute. */
  private final ConcurrentHashMap<Subscriber, Set<Scope>> scopesOf = new ConcurrentHashMap<>();

  private final ScopeSource source;

  /** Creates one without subscribers, which receives every change. */
  public FanOut() {
    this(ScopeSource.ALL);
  }

  /**
   * Creates one without subscribers.
   *
   * @param source is told which scopes have subscribers
   */
  public FanOut(ScopeSource source) {
    this.source = source;
  }

  /**
   * From now on this subscriber receives the changes of these scopes.
   *
   * @param subscriber who listens
   * @param scopes people and teams
   */
  public void add(Subscriber subscriber, Collection<Scope> scopes) {
    scopesOf.compute(
        subscriber, (same, old) -> replace(same, old == null ? Set.of() : old, scopes));
  }

  /**
   * Replaces the scopes of a subscriber; does nothing for one that was removed.
   *
   * @param subscriber who listens
   * @param scopes people and teams
   */
  public void rescope(Subscriber subscriber, Collection<Scope> scopes) {
    scopesOf.computeIfPresent(subscriber, (same, old) -> replace(same, old, scopes));
  }

  /**
   * From now on this subscriber receives nothing.
   *
   * @param subscriber who listened
   */
  public void remove(Subscriber subscriber) {
    scopesOf.computeIfPresent(
        subscriber,
        (same, old) -> {
          old.forEach(scope -> leave(scope, same));
          return null;
        });
  }

  /**
   * Returns when every change of these scopes that commits from now on will reach their
   * subscribers; at once when all changes arrive anyway. Blocks.
   *
   * @param scopes people and teams with a subscriber
   * @throws IllegalStateException when that takes too long
   */
  public void awaitSubscribed(Collection<Scope> scopes) {
    source.awaitSubscribed(scopes);
  }

  /** {@return how many subscribers there are} */
  public int size() {
    return scopesOf.size();
  }

  @Override
  public void changed(Change change) {
    for (Subscriber subscriber : reachedBy(change.scopes())) {
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
    resync(scopesOf.keySet(), reason);
  }

  /**
   * As {@link #resync(String)}, only for the subscribers of these scopes; once for each.
   *
   * @param scopes whose changes were missed
   * @param reason a sentence for people
   */
  public void resync(List<Scope> scopes, String reason) {
    resync(reachedBy(scopes), reason);
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

  private Set<Subscriber> reachedBy(List<Scope> scopes) {
    if (scopes.size() == 1) {
      return byScope.getOrDefault(scopes.getFirst(), Set.of());
    }
    Set<Subscriber> reached = Collections.newSetFromMap(new IdentityHashMap<>());
    for (Scope scope : scopes) {
      reached.addAll(byScope.getOrDefault(scope, Set.of()));
    }
    return reached;
  }

  /** Adds new scopes first, so that a scope that is kept never lacks its subscriber. */
  private Set<Scope> replace(Subscriber subscriber, Set<Scope> old, Collection<Scope> scopes) {
    Set<Scope> wanted = Set.copyOf(new HashSet<>(scopes));
    for (Scope scope : wanted) {
      if (!old.contains(scope)) {
        enter(scope, subscriber);
      }
    }
    for (Scope scope : old) {
      if (!wanted.contains(scope)) {
        leave(scope, subscriber);
      }
    }
    return wanted;
  }

  private void enter(Scope scope, Subscriber subscriber) {
    byScope.compute(
        scope,
        (same, there) -> {
          Set<Subscriber> with = there == null ? ConcurrentHashMap.newKeySet(2) : there;
          with.add(subscriber);
          if (there == null) {
            source.wanted(scope);
          }
          return with;
        });
  }

  private void leave(Scope scope, Subscriber subscriber) {
    byScope.computeIfPresent(
        scope,
        (same, there) -> {
          there.remove(subscriber);
          if (there.isEmpty()) {
            source.unwanted(scope);
            return null;
          }
          return there;
        });
  }
}
