"""Who is a customer on the day."""

CUSTOMERS = """
SELECT a.id, a.external_id, a.segment, %(day)s::date - a.customer_since AS tenure_days
FROM accounts_account a
WHERE a.tenant_id = %(tenant)s AND a.customer_since < %(day)s::date
  AND NOT EXISTS (SELECT 1 FROM accounts_outcome o
                  WHERE o.tenant_id = a.tenant_id AND o.account_id = a.id
                    AND o.kind = 'churned' AND o.effective_at < %(start)s)
ORDER BY a.id
"""
