package com.gptdesk.chat.relay;

/**
 * Hears on behalf of all nodes: of the relays that have such a listener one reads the log, and
 * another begins when that one ends. Called by the relay's thread.
 */
public interface LeadingListener extends ChangeListener {
  /**
   * Whether it could pass on what it is told; while it cannot, its relay leaves the lead to others.
   *
   * @return false while nobody would hear it
   */
  boolean canLead();

  /**
   * The relay leads from here on, or the log begins anew: nothing told by another term joins on to
   * what is told next. Followed by {@link #resync}.
   *
   * @param term higher than that of every leader before it
   */
  void begins(long term);

  /**
   * Asked several times a second while the relay leads.
   *
   * @return false when what it was told may not have been passed on, so that the term has to end
   */
  boolean goesOn();

  /** The relay leads no longer. */
  void ends();
}
