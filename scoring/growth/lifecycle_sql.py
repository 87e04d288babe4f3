"""SQL of milestones and objectives as facts with days; what was known on a past day is cut in Python."""

MILESTONES = """
SELECT m.account_id, lower(m.stage), m.name, extract(epoch FROM m.due_at) / 86400,
       extract(epoch FROM m.completed_at) / 86400
  FROM accounts_milestone m
 WHERE m.tenant_id = %(tenant)s
 ORDER BY m.account_id, m.due_at NULLS LAST, m.external_id
"""
OBJECTIVES = """
SELECT o.account_id, o.name, extract(epoch FROM o.due_at) / 86400, extract(epoch FROM o.achieved_at) / 86400,
       extract(epoch FROM o.declared_at) / 86400
  FROM accounts_objective o
 WHERE o.tenant_id = %(tenant)s
 ORDER BY o.account_id, o.due_at NULLS LAST, o.external_id
"""
CUSTOMERS = """
SELECT a.id, a.customer_since, (SELECT extract(epoch FROM min(o.effective_at)) / 86400 FROM accounts_outcome o
                                 WHERE o.tenant_id = a.tenant_id AND o.account_id = a.id AND o.kind = 'churned'),
       h.renewal_date, h.p_renew, h.p90_low, h.p90_high
  FROM accounts_account a
  LEFT JOIN scoring_accounthealth h ON h.tenant_id = a.tenant_id AND h.account_id = a.id AND h.as_of = %(day)s
 WHERE a.tenant_id = %(tenant)s AND a.customer_since < %(day)s
 ORDER BY a.id
"""
