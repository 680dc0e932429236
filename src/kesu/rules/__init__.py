"""The platform's rules and ours, as pure functions: no Django, no clock, no network.

deadlines    when a reply and a completion are due
redlines     what must not stand in a text to a payer
operations   what the platform's `operate_type` and `action_type` words mean
states       the states of a complaint, and its rounds read from the history
guards       what is to be known before an act, and whether it may go ahead
resolution   what shows that the payer is settled
rates        及时处理率 and 重复投诉率, and what one case does to them
escalations  which facts wake people, and how loudly
ladder       when a running clock speaks again (ladder_steps, ladders: what a ladder is, and which there are)
rota, quiet  who is on call, and when people are left in peace
digest       how a robot's minute is shared out, and when many messages become one
budget, backoff, classify   how fast to push, when to try again, what an answer means

Every instant is an aware `datetime`; what comes back is UTC. Where a rule comes from stands in its docstring:
an official page by its address, or "assumption" where no official text was found.
"""
