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
 * Hands each change to the subscribers whose scopes meet the change's. A change costs what it
 * reaches, not what is subscribed.
 *
 * <p>Any thread may add, rescope and remove while changes are told. A subscriber is told each
 * change at most once, however many of its scopes the change meets, and every change that meets a
 * scope it kept all the while.
 */
public final class FanOut implements ChangeListener {
  private static final Logger LOG = LoggerFactory.getLogger(FanOut.class);

  private final ConcurrentHashMap<Scope, Set<Subscriber>> byScope = new ConcurrentHashMap<>();

  /**
   * Owns the right to change what one subscriber hears: each entry is only touched inside its own
   * compute.
   */
  private final ConcurrentHashMap<Subscriber, Set<Scope>> scopesOf = new ConcurrentHashMap<>();

  private final ScopeSource source;

  /** Makes one without subscribers, which is told every change. */
  public FanOut() {
    this(ScopeSource.ALL);
  }

  /**
   * Makes one without subscribers.
   *
   * @param source is told which scopes there are subscribers for
   */
  public FanOut(ScopeSource source) {
    this.source = source;
  }

  /**
   * From now on this subscriber hears what meets these scopes.
   *
   * @param subscriber who listens
   * @param scopes people and teams
   */
  public void add(Subscriber subscriber, Collection<Scope> scopes) {
    scopesOf.compute(
        subscriber, (same, old) -> replace(same, old == null ? Set.of() : old, scopes));
  }

  /**
   * Gives a subscriber other scopes; does nothing for one that was removed meanwhile.
   *
   * @param subscriber who listens
   * @param scopes people and teams
   */
  public void rescope(Subscriber subscriber, Collection<Scope> scopes) {
    scopesOf.computeIfPresent(subscriber, (same, old) -> replace(same, old, scopes));
  }

  /**
   * From now on this subscriber hears nothing.
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
   * Returns when every change of these scopes that commits from now on will reach the subscribers
   * that have them; at once when all changes are told anyway. Blocks.
   *
   * @param scopes people and teams that some subscriber has
   * @throws IllegalStateException when that does not come about in time
   */
  public void awaitHeard(Collection<Scope> scopes) {
    source.awaitHeard(scopes);
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
            "A subscriber failed on change {} of {}; the others still hear it",
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
   * As {@link #resync(String)}, for the subscribers of some scopes alone; each is told once.
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
        LOG.error("A subscriber failed on being told to catch up; the others still hear it", e);
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

  /** New scopes first, so that a scope kept is never without its subscriber. */
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
